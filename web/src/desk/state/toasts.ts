/** One message per order, updated in place, gone some seconds after the order has ended. */

import { signal } from "@preact/signals";

import type { Order } from "../api/types";
import { isResting } from "../lib/order-status";

const STAY_MS = 8_000;
const STAY_WITHOUT_NEWS_MS = 60_000;

export const toasts = signal<Order[]>([]);

const leaving = new Map<string, ReturnType<typeof setTimeout>>();

export function toast(order: Order): void {
  const at = toasts.value.findIndex((shown) => shown.id === order.id);
  toasts.value = at < 0 ? [order, ...toasts.value] : toasts.value.toSpliced(at, 1, order);
  clearTimeout(leaving.get(order.id));
  const rests = order.isTerminal || isResting(order.status);
  const stay = rests ? STAY_MS : STAY_WITHOUT_NEWS_MS;
  leaving.set(order.id, setTimeout(() => dismiss(order.id), stay));
}

/** Update an order's message, where it has one. */
export function retoast(order: Order): void {
  if (toasts.value.some((shown) => shown.id === order.id)) toast(order);
}

export function dismiss(id: string): void {
  clearTimeout(leaving.get(id));
  leaving.delete(id);
  toasts.value = toasts.value.filter((shown) => shown.id !== id);
}
