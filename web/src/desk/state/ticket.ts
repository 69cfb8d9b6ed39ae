/** The order ticket: what is filled in, and the inputs that it makes. */

import { type Signal, computed, effect, signal } from "@preact/signals";

import type {
  ExecuteMarketOrderInput,
  OrderType,
  PlaceLimitOrderInput,
  PlaceSniperOrderInput,
  QuoteInput,
  SimulateInput,
} from "../api/types";
import { isDecimal, percentToBps } from "../lib/decimal";
import { bought, paid, venues } from "./market";

const DEFAULT_LIFETIME = "5";

export const type = signal<OrderType>("MARKET");
export const amount = signal("1");
export const limitPrice = signal("");
export const mint = signal("");
export const maxPrice = signal("");
export const minLiquidity = signal("");
export const slippage = signal("0.5");
export const sniperSlippage = signal("5");
export const lifetimeMinutes = signal(DEFAULT_LIFETIME);
export const maxImpact = signal("");
export const minAmountOut = signal("");
export const leftOut = signal<ReadonlySet<string>>(new Set());
export const split = signal(true);

/** Faults to inject, by the field of SimulateInput. */
export const FAULTS = {
  quoteFailures: "Failed quotes",
  quoteTimeouts: "Quotes out of time",
  droppedTransactions: "Dropped transactions",
  slippageFailures: "Slippage failures",
  extraLatencyMs: "Extra latency (ms)",
} as const satisfies Record<keyof SimulateInput, string>;
export const faults = signal<Record<string, string>>({});

// There is no quote of a token that is not there yet.
const isQuoted = computed(() => type.value !== "SNIPER" && isDecimal(amount.value));

/** What a quote is asked for; null where the ticket is not that far. */
export const quoteInput = computed<QuoteInput | null>(() =>
  isQuoted.value ? { ...swap(), ...marketTerms() } : null,
);

/** Forget the price of another pair. */
export function keepToPair(): void {
  effect(() => {
    void paid.value;
    void bought.value;
    limitPrice.value = "";
  });
}

// What an order of each type is placed with, but for its id and its end.

export function marketInput(): ExecuteMarketOrderInput {
  return {
    ...swap(),
    ...simulate(),
    ...marketTerms(),
    minAmountOut: minAmountOut.value || null,
    maxPriceImpactBps: maxImpact.value ? bps(maxImpact.value) : null,
  };
}

export function limitInput(): PlaceLimitOrderInput {
  return { ...swap(), ...simulate(), limitPrice: limitPrice.value, ...splitting() };
}

export function sniperInput(): PlaceSniperOrderInput {
  return {
    ...swap(),
    ...simulate(),
    ...slip(sniperSlippage),
    tokenOut: mint.value.trim(),
    maxPrice: maxPrice.value || null,
    minLiquidity: minLiquidity.value || null,
  };
}

function swap() {
  const chosen = venues.value.map((venue) => venue.id).filter((id) => !leftOut.value.has(id));
  return {
    tokenIn: paid.value,
    tokenOut: bought.value,
    amount: amount.value.trim(),
    venues: leftOut.value.size ? chosen : null,
  };
}

function marketTerms() {
  return { ...slip(slippage), ...splitting() };
}

function slip(percent: Signal<string>) {
  return { slippageBps: bps(percent.value) };
}

/** What is no percentage is sent as one that the server refuses, with its own words. */
function bps(percent: string): number {
  return percentToBps(percent) ?? -1;
}

function splitting() {
  return { allowSplit: split.value };
}

function simulate(): { simulate?: SimulateInput } {
  const wanted = Object.entries(faults.value).filter(([, count]) => Number(count) > 0);
  if (wanted.length === 0) return {};
  return { simulate: Object.fromEntries(wanted.map(([fault, count]) => [fault, Number(count)])) };
}

/** When to give up waiting. The server's own five minutes need no clock of ours. */
export function expiry(): { expiresAt?: string } {
  if (type.value === "MARKET" || lifetimeMinutes.value === DEFAULT_LIFETIME) return {};
  const at = Date.now() + Number(lifetimeMinutes.value) * 60_000;
  return { expiresAt: new Date(at).toISOString() };
}
