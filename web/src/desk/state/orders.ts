/** The page of orders on show, kept up to date by the feed. */

import { signal } from "@preact/signals";

import { ask } from "../api/client";
import CANCEL from "../api/operations/cancel.graphql";
import ORDERS from "../api/operations/orders.graphql";
import type { Order, OrderFilter } from "../api/types";
import { learnTokens } from "./market";

export const PAGE_SIZE = 20;
const KNOWN_AT_MOST = 2_000;

export const FILTERS = {
  all: { label: "All", filter: {} },
  open: { label: "Open", filter: { isTerminal: false } },
  filled: { label: "Filled", filter: { status: ["CONFIRMED"] } },
  ended: { label: "Not filled", filter: { status: ["FAILED", "CANCELED", "EXPIRED"] } },
} satisfies Record<string, { label: string; filter: OrderFilter }>;

export type FilterName = keyof typeof FILTERS;

export const filterName = signal<FilterName>("all");
export const rows = signal<Order[]>([]);
export const hasOlder = signal(false);
export const canceling = signal<ReadonlySet<string>>(new Set());
export const cancelProblem = signal<string | null>(null);
export const loaded = signal(false);

/** The cursors of the pages gone through: the last one is where this page begins. */
export const trail = signal<(string | null)[]>([null]);

let next: string | null = null;
/** The orders heard of, as they were last heard of; `learned` counts the news. */
export const known = new Map<string, Order>();
export const learned = signal(0);

/** Read the page on show. Return the orders on it that are news. */
export async function loadOrders(): Promise<Order[]> {
  const name = filterName.value;
  const after = trail.value.at(-1) ?? null;
  const { filter } = FILTERS[name];
  const { orders } = await ask(ORDERS, { filter, first: PAGE_SIZE, after });
  if (filterName.value !== name || (trail.value.at(-1) ?? null) !== after) return [];
  const news = orders.nodes.filter(learn);
  // A stream may have said more of an order than the page knows.
  rows.value = orders.nodes.map((order) => known.get(order.id) ?? order).filter(belongs);
  hasOlder.value = orders.pageInfo.hasNextPage;
  next = orders.pageInfo.endCursor;
  loaded.value = true;
  return news;
}

/** Take an order's new state. Return whether it is news. */
export function update(order: Order): boolean {
  if (!learn(order)) return false;
  const at = rows.value.findIndex((row) => row.id === order.id);
  if (at >= 0) {
    rows.value = rows.value.toSpliced(at, 1, order).filter(belongs);
  } else if (trail.value.length === 1 && belongs(order) && isNewerThanPage(order)) {
    rows.value = [order, ...rows.value].sort(byAge).slice(0, PAGE_SIZE);
  }
  return true;
}

export function showFilter(name: FilterName): void {
  filterName.value = name;
  trail.value = [null];
}

export function showOlder(): void {
  if (hasOlder.value) trail.value = [...trail.value, next];
}

export function showNewer(): void {
  if (trail.value.length > 1) trail.value = trail.value.slice(0, -1);
}

/** Cancel an order; where that came too late, say so. */
export async function cancel(id: string): Promise<void> {
  canceling.value = new Set([...canceling.value, id]);
  cancelProblem.value = null;
  try {
    const { canceled } = await ask(CANCEL, { orderId: id });
    if (canceled.order) update(canceled.order);
    cancelProblem.value = canceled.userErrors[0]?.message ?? null;
  } catch (error) {
    cancelProblem.value = error instanceof Error ? error.message : String(error);
  } finally {
    canceling.value = new Set([...canceling.value].filter((other) => other !== id));
  }
}

function learn(order: Order): boolean {
  if ((known.get(order.id)?.sequence ?? 0) >= order.sequence) return false;
  known.set(order.id, order);
  const [oldest] = known.keys();
  if (known.size > KNOWN_AT_MOST && oldest) known.delete(oldest);
  learned.value += 1;
  learnTokens(order);
  return true;
}

function belongs(order: Order): boolean {
  const { isTerminal, status }: OrderFilter = FILTERS[filterName.value].filter;
  if (isTerminal != null) return order.isTerminal === isTerminal;
  return !status || status.includes(order.status);
}

function isNewerThanPage(order: Order): boolean {
  const last = rows.value.at(-1);
  return !last || rows.value.length < PAGE_SIZE || byAge(order, last) < 0;
}

/** Newest first. Ids grow with time (UUIDv7), and tell apart what was placed at once. */
function byAge(a: Order, b: Order): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
