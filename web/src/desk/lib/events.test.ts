import { describe, expect, it } from "vitest";

import type { OrderEvent } from "../api/types";
import { merged } from "./events";

function event(sequence: number, isLive = false): OrderEvent {
  return { sequence, isLive } as OrderEvent;
}

describe("merged", () => {
  const replayed = [event(1), event(2)];

  it("adds what comes next", () => {
    expect(merged(replayed, event(3)).map((e) => e.sequence)).toEqual([1, 2, 3]);
  });

  it("drops what was there before", () => {
    expect(merged(replayed, event(1))).toBe(replayed);
    expect(merged(replayed, event(2))).toBe(replayed);
  });

  it("takes no price of the moment for a step", () => {
    expect(merged(replayed, event(2, true))).toBe(replayed);
    expect(merged([], event(2, true))).toEqual([]);
  });
});
