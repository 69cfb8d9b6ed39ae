/** The order that is looked at, named by the address: `/#order=<id>`. */

import { effect, signal } from "@preact/signals";

import { follow } from "../api/client";
import FOLLOW_ORDER from "../api/operations/follow-order.graphql";
import type { Order, OrderEvent } from "../api/types";
import { merged } from "../lib/events";
import { update } from "./orders";
import { retoast } from "./toasts";

export const selectedId = signal<string | null>(null);
export const order = signal<Order | null>(null);
export const events = signal<OrderEvent[]>([]);
/** What a waiting order would get now. */
export const bestPrice = signal<string | null>(null);
export const problem = signal<string | null>(null);

export function select(id: string): void {
  location.hash = `order=${id}`;
}

export function followSelection(): void {
  const read = () => {
    selectedId.value = new URLSearchParams(location.hash.slice(1)).get("order");
  };
  addEventListener("hashchange", read);
  read();
  effect(() => followOrder(selectedId.value));
}

function followOrder(id: string | null): (() => void) | undefined {
  order.value = null;
  events.value = [];
  bestPrice.value = null;
  problem.value = null;
  if (!id) return undefined;
  // Moved on with each event: after a broken connection the stream goes on where it stopped.
  const variables = { orderId: id, after: 0 };
  return follow(
    FOLLOW_ORDER,
    variables,
    ({ orderStatus: event }) => {
      variables.after = Math.max(variables.after, event.sequence);
      events.value = merged(events.peek(), event);
      bestPrice.value = event.isLive ? event.bestPrice : null;
      order.value = event.order;
      if (update(event.order)) retoast(event.order);
    },
    (message) => {
      problem.value = message;
    },
  );
}
