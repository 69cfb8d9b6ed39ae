/** Placing what the ticket says, and what became of it. */

import { batch, signal } from "@preact/signals";

import type { Operation } from "../../operation";
import { ask } from "../api/client";
import PLACE_LIMIT from "../api/operations/place-limit.graphql";
import PLACE_MARKET from "../api/operations/place-market.graphql";
import PLACE_SNIPER from "../api/operations/place-sniper.graphql";
import type { OrderPayload, UserError } from "../api/types";
import { randomId } from "../lib/random-id";
import { heard } from "./feed";
import { bought, paid } from "./market";
import { select } from "./selection";
import { expiry, lifetimeMinutes, limitInput, marketInput, sniperInput, type } from "./ticket";

export const placing = signal(false);

/** The errors of the last request, with the ticket that they are about. */
const refused = signal<{ errors: UserError[]; ticket: Ticket } | null>(null);

/** The fields of the input that the ticket shows a message at, whatever the order's type. */
const FIELDS = [
  ...["amount", "limitPrice", "maxPrice", "maxPriceImpactBps", "minAmountOut", "minLiquidity"],
  "slippageBps",
];

const READ = {
  MARKET: () => read(PLACE_MARKET, marketInput()),
  LIMIT: () => read(PLACE_LIMIT, limitInput()),
  SNIPER: () => read(PLACE_SNIPER, sniperInput()),
};

type Answer = Promise<{ placed: OrderPayload }>;

/** The ticket as it is at one moment. */
interface Ticket {
  sides: string;
  terms: Record<string, unknown>;
  text: string;
  send: (own: { clientOrderId: string; expiresAt?: string }) => Answer;
}

// The id goes with exactly one input: a retry of it is the same order, other input is a new one.
let last: { text: string; send: () => Answer } | undefined;

export async function place(): Promise<void> {
  if (placing.value) return;
  const ticket = READ[type.value]();
  if (last?.text !== ticket.text) {
    const own = { ...expiry(), clientOrderId: randomId() };
    last = { text: ticket.text, send: () => ticket.send(own) };
  }
  placing.value = true;
  refused.value = null;
  try {
    accept((await last.send()).placed, ticket);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    refused.value = { errors: [{ code: "INTERNAL", message, field: null }], ticket };
  } finally {
    placing.value = false;
  }
}

/**
 * Return the server's message about this field of the input; null asks for one about no field. What
 * was filled in otherwise since is no longer what the message is about.
 */
export function errorAt(field: string | null): string | undefined {
  if (!refused.value) return undefined;
  const { errors, ticket } = refused.value;
  const now = READ[type.value]();
  const isSame =
    field === null
      ? now.text === ticket.text
      : now.sides === ticket.sides && now.terms[field] === ticket.terms[field];
  if (!isSame) return undefined;
  const at = (error: UserError) => error.field?.at(-1) ?? "";
  return errors.find((error) => (field === null ? !hasField(at(error)) : at(error) === field))
    ?.message;
}

export function forgetErrors(): void {
  refused.value = null;
}

function read<Input extends object>(
  operation: Operation<{ placed: OrderPayload }, { input: Input }>,
  terms: Input,
): Ticket {
  return {
    sides: `${paid.value}/${bought.value}`,
    terms: Object.fromEntries(Object.entries(terms)),
    text: JSON.stringify([type.value, terms, lifetimeMinutes.value]),
    send: (own) => ask(operation, { input: { ...terms, ...own } }),
  };
}

function hasField(name: string): boolean {
  return FIELDS.includes(name) || (name === "tokenOut" && type.value === "SNIPER");
}

function accept({ order, userErrors }: OrderPayload, ticket: Ticket): void {
  batch(() => {
    refused.value = { errors: userErrors, ticket };
    if (!order || userErrors.length) return;
    last = undefined;
    heard(order);
    select(order.id);
  });
}
