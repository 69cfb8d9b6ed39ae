/** The order ticket: what is asked for, and what became of asking. */

import { type Signal, batch, computed, effect, signal } from "@preact/signals";

import { ask } from "../api/client";
import PLACE_LIMIT from "../api/operations/place-limit.graphql";
import PLACE_MARKET from "../api/operations/place-market.graphql";
import PLACE_SNIPER from "../api/operations/place-sniper.graphql";
import type { OrderPayload, OrderType, UserError } from "../api/types";
import { isDecimal, percentToBps } from "../lib/decimal";
import { randomId } from "../lib/random-id";
import { heard } from "./feed";
import { bought, paid, venues } from "./market";
import { select } from "./selection";

export const type = signal<OrderType>("MARKET");
export const amount = signal("1");
export const limitPrice = signal("");
export const mint = signal("");
export const maxPrice = signal("");
export const minLiquidity = signal("");
export const slippage = signal("0.5");
export const sniperSlippage = signal("5");
export const lifetimeMinutes = signal("5");
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
} as const;
export const faults = signal<Record<string, string>>({});

export const placing = signal(false);
export const errors = signal<UserError[]>([]);

/** The fields of the input that the ticket shows a message at, whatever the order's type. */
const FIELDS = [
  ...["amount", "limitPrice", "maxPrice", "maxPriceImpactBps", "minAmountOut", "minLiquidity"],
  "slippageBps",
];
const OPERATIONS = { MARKET: PLACE_MARKET, LIMIT: PLACE_LIMIT, SNIPER: PLACE_SNIPER };

// There is no quote of a token that is not there yet.
const isQuoted = computed(() => type.value !== "SNIPER" && isDecimal(amount.value));

/** What a quote is asked for; null where the ticket is not that far. */
export const quoteInput = computed(() =>
  isQuoted.value ? { ...swap(), ...marketTerms() } : null,
);

// The id goes with exactly one input: a retry of it is the same order, other input is a new one.
let last: { text: string; input: Record<string, unknown> } | undefined;

/** Forget the price of another pair. */
export function keepToPair(): void {
  effect(() => {
    void paid.value;
    void bought.value;
    limitPrice.value = "";
  });
}

export async function place(): Promise<void> {
  if (placing.value) return;
  const asked = orderInput();
  const text = JSON.stringify([type.value, asked, lifetimeMinutes.value]);
  if (last?.text !== text) {
    last = { text, input: { ...asked, ...expiry(), clientOrderId: randomId() } };
  }
  placing.value = true;
  errors.value = [];
  try {
    const { placed } = await ask<{ placed: OrderPayload }>(OPERATIONS[type.value], {
      input: last.input,
    });
    accept(placed);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    errors.value = [{ code: "INTERNAL", message, field: null }];
  } finally {
    placing.value = false;
  }
}

/** Return the server's message about this field of the input; null as the name is about none. */
export function errorAt(field: string | null): string | undefined {
  const at = (error: UserError) => error.field?.at(-1) ?? "";
  return errors.value.find((error) =>
    field === null ? !hasField(at(error)) : at(error) === field,
  )?.message;
}

function hasField(name: string): boolean {
  return FIELDS.includes(name) || (name === "tokenOut" && type.value === "SNIPER");
}

function accept({ order, userErrors }: OrderPayload): void {
  batch(() => {
    errors.value = userErrors;
    if (!order || userErrors.length) return;
    last = undefined;
    heard(order);
    select(order.id);
  });
}

function orderInput(): Record<string, unknown> {
  const common = { ...swap(), ...simulate() };
  if (type.value === "LIMIT") return { ...common, limitPrice: limitPrice.value, ...splitting() };
  if (type.value === "SNIPER") {
    return {
      ...common,
      ...slip(sniperSlippage),
      tokenOut: mint.value.trim(),
      maxPrice: maxPrice.value || null,
      minLiquidity: minLiquidity.value || null,
    };
  }
  return {
    ...common,
    ...marketTerms(),
    minAmountOut: minAmountOut.value || null,
    maxPriceImpactBps: maxImpact.value ? bps(maxImpact.value) : null,
  };
}

function swap(): Record<string, unknown> {
  const chosen = venues.value.map((venue) => venue.id).filter((id) => !leftOut.value.has(id));
  return {
    tokenIn: paid.value,
    tokenOut: bought.value,
    amount: amount.value.trim(),
    venues: leftOut.value.size ? chosen : null,
  };
}

function marketTerms(): Record<string, unknown> {
  return { ...slip(slippage), ...splitting() };
}

function slip(percent: Signal<string>): Record<string, unknown> {
  return { slippageBps: bps(percent.value) };
}

/** What is no percentage is sent as one that the server refuses, with its own words. */
function bps(percent: string): number {
  return percentToBps(percent) ?? -1;
}

function splitting(): Record<string, unknown> {
  return { allowSplit: split.value };
}

function simulate(): Record<string, unknown> {
  const wanted = Object.entries(faults.value).filter(([, count]) => Number(count) > 0);
  if (wanted.length === 0) return {};
  return { simulate: Object.fromEntries(wanted.map(([fault, count]) => [fault, Number(count)])) };
}

function expiry(): Record<string, unknown> {
  if (type.value === "MARKET") return {};
  const at = Date.now() + Number(lifetimeMinutes.value) * 60_000;
  return { expiresAt: new Date(at).toISOString() };
}
