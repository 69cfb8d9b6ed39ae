import { expect, it } from "vitest";

import type { Candle } from "../api/types";
import { ascending } from "./candles";

function candle(openedAt: string, open: string, high: string, low: string, close: string): Candle {
  return { openedAt, open, high, low, close };
}

const FIRST = candle("2026-01-01T00:00:00Z", "1", "10", "1", "9");
const SECOND = candle("2026-01-01T00:00:05Z", "9", "9", "2", "2");

it("leaves candles in order as they are", () => {
  expect(ascending([FIRST, SECOND])).toEqual([FIRST, SECOND]);
});

it("puts the earliest first", () => {
  expect(ascending([SECOND, FIRST])).toEqual([FIRST, SECOND]);
});

it("makes one of several of one time, however it is written", () => {
  const again = candle("2026-01-01T00:00:00.000+00:00", "5", "9", "0.5", "6");

  expect(ascending([FIRST, again, SECOND])).toEqual([
    candle("2026-01-01T00:00:00Z", "1", "10", "0.5", "6"),
    SECOND,
  ]);
});
