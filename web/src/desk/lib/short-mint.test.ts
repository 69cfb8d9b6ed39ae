import { expect, it } from "vitest";

import { shortMint } from "./short-mint";

it.each([
  ["USDC2222222222222222222222222222222222222222", "USDC…2222"],
  ["So11111111111111111111111111111111111111112", "So11…1112"],
  ["SOL", "SOL"],
])("writes %s as %s", (mint, short) => {
  expect(shortMint(mint)).toBe(short);
});
