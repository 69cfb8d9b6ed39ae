/** News of all orders, those of other clients included, for the table and the toasts. */

import { effect, untracked } from "@preact/signals";

import { connection, follow } from "../api/client";
import FOLLOW_ALL_ORDERS from "../api/operations/follow-all-orders.graphql";
import type { Order } from "../api/types";
import { filterName, loadOrders, loaded, trail, update } from "./orders";
import { toast } from "./toasts";

const POLL_MS = 1_000;

/** Take an order's new state from wherever it comes. */
export function heard(order: Order): void {
  if (update(order)) toast(order);
}

/** Subscribe first and read the page then, each time the connection is there: nothing is missed. */
export function followOrders(): void {
  if (__FEATURES__.allOrders) {
    follow<{ orderEvents: { order: Order } }>(FOLLOW_ALL_ORDERS, {}, (data) =>
      heard(data.orderEvents.order),
    );
  }
  effect(() => {
    void filterName.value;
    void trail.value;
    if (connection.value !== "live") return undefined;
    untracked(() => void load());
    if (__FEATURES__.allOrders) return undefined;
    const timer = setInterval(() => void load(), POLL_MS);
    return () => clearInterval(timer);
  });
}

async function load(): Promise<void> {
  const isFirst = !loaded.value;
  const news = await loadOrders();
  // What another page or filter brings is not new, only what was there since the first look.
  if (!isFirst && trail.value.length === 1 && filterName.value === "all") news.forEach(toast);
}
