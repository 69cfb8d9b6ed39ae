/** News of all orders, those of other clients included, for the table and the toasts. */

import { effect, signal, untracked } from "@preact/signals";

import { connection, follow } from "../api/client";
import FOLLOW_ALL_ORDERS from "../api/operations/follow-all-orders.graphql";
import type { Order } from "../api/types";
import { filterName, loadOrders, loaded, trail, update } from "./orders";
import { toast } from "./toasts";

const AGAIN_MS = 1_000;

/** How often the stream of all orders was begun by us; a broken connection is not counted. */
const begun = signal(0);

/** Take an order's new state from wherever it comes. */
export function heard(order: Order): void {
  if (update(order)) toast(order);
}

/** Subscribe first and read the page then, each time the connection is there: nothing is missed. */
export function followOrders(): void {
  followAll();
  effect(() => {
    void begun.value;
    void filterName.value;
    void trail.value;
    if (connection.value === "live") untracked(() => void load());
  });
}

function followAll(): void {
  begun.value += 1;
  // The server ends the stream of a reader that is too slow: it begins anew, from the page as it is.
  follow(
    FOLLOW_ALL_ORDERS,
    {},
    (data) => heard(data.orderEvents.order),
    () => setTimeout(followAll, AGAIN_MS),
  );
}

async function load(): Promise<void> {
  const isFirst = !loaded.value;
  const news = await loadOrders();
  // What another page or filter brings is not new, only what was there since the first look.
  if (!isFirst && trail.value.length === 1 && filterName.value === "all") news.forEach(toast);
}
