/** The candles of the pair that is looked at. */

import { effect, signal } from "@preact/signals";

import { ask, connection } from "../api/client";
import CANDLES from "../api/operations/candles.graphql";
import type { Candle } from "../api/types";
import { ascending } from "../lib/candles";
import { pair } from "./market";

const REFRESH_MS = 1_000;
const SHOWN = 120;
/** The one that is open, and the last one closed, which its last trade may have reached late. */
const MAY_CHANGE = 2;

export const INTERVALS = [
  { seconds: 5, label: "5 s" },
  { seconds: 60, label: "1 m" },
  { seconds: 300, label: "5 m" },
];

export const intervalSeconds = signal(5);

/** All candles of a pair, or only those that changed since. */
export const candles = signal<{ fresh: boolean; list: Candle[] }>({ fresh: true, list: [] });

/** The price after the newest trade of the pair. */
export const lastPrice = signal<string | null>(null);

export function keepCandles(): void {
  effect(() => {
    const { base, quote } = pair.value;
    const asked = { tokenIn: base, tokenOut: quote, intervalSeconds: intervalSeconds.value };
    if (connection.value !== "live") return undefined;
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    lastPrice.value = null;
    const look = async (fresh: boolean) => {
      const last = fresh ? SHOWN : MAY_CHANGE;
      const answer = await ask(CANDLES, { ...asked, last });
      if (stopped) return;
      const list = ascending(answer.candles);
      candles.value = { fresh, list };
      lastPrice.value = list.at(-1)?.close ?? lastPrice.value;
      timer = setTimeout(() => void look(false), REFRESH_MS);
    };
    void look(true);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  });
}
