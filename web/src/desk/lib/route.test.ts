import { expect, it } from "vitest";

import { via } from "./route";

const leg = (name: string, shareBps: number) => ({ venue: { name }, shareBps });

it.each([
  [[], ""],
  [[leg("Raydium", 10_000)], "Raydium"],
  [[leg("Raydium", 6_250), leg("Meteora", 3_750)], "62.5 % Raydium + 37.5 % Meteora"],
  [[leg("Raydium", 10_000), leg("Meteora", 10_000)], "Raydium → Meteora"],
])("writes %j as %s", (route, text) => {
  expect(via(route)).toBe(text);
});
