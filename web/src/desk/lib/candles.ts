import type { Candle } from "../api/types";
import { compare } from "./decimal";

/**
 * Return the candles with each time once, the earliest first, as a chart must have them: several of
 * one time are one candle, from the open of the first to the close of the last.
 */
export function ascending(candles: Candle[]): Candle[] {
  const byTime = new Map<number, Candle>();
  for (const candle of candles) {
    const time = Date.parse(candle.openedAt);
    const there = byTime.get(time);
    byTime.set(time, there ? together(there, candle) : candle);
  }
  return [...byTime].sort(([a], [b]) => a - b).map(([, candle]) => candle);
}

function together(first: Candle, last: Candle): Candle {
  return {
    openedAt: first.openedAt,
    open: first.open,
    high: compare(first.high, last.high) < 0 ? last.high : first.high,
    low: compare(first.low, last.low) > 0 ? last.low : first.low,
    close: last.close,
  };
}
