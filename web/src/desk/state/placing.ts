/** Placing what the ticket says, and what became of it. */

import { batch, signal } from "@preact/signals";

import { ask } from "../api/client";
import PLACE_LIMIT from "../api/operations/place-limit.graphql";
import PLACE_MARKET from "../api/operations/place-market.graphql";
import PLACE_SNIPER from "../api/operations/place-sniper.graphql";
import type { OrderPayload, UserError } from "../api/types";
import { randomId } from "../lib/random-id";
import { heard } from "./feed";
import { select } from "./selection";
import { expiry, lifetimeMinutes, orderInput, type } from "./ticket";

export const placing = signal(false);
export const errors = signal<UserError[]>([]);

const OPERATIONS = { MARKET: PLACE_MARKET, LIMIT: PLACE_LIMIT, SNIPER: PLACE_SNIPER };

/** The fields of the input that the ticket shows a message at, whatever the order's type. */
const FIELDS = [
  ...["amount", "limitPrice", "maxPrice", "maxPriceImpactBps", "minAmountOut", "minLiquidity"],
  "slippageBps",
];

// The id goes with exactly one input: a retry of it is the same order, other input is a new one.
let last: { text: string; input: Record<string, unknown> } | undefined;

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

/** Return the server's message about this field of the input; null asks for one about no field. */
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
