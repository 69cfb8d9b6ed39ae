import type { OrderEvent } from "../api/types";

/** Return the events with one more. What came before is dropped; the last may bring a new price. */
export function merged(events: OrderEvent[], event: OrderEvent): OrderEvent[] {
  const last = events.at(-1);
  if (!last || event.sequence > last.sequence) return [...events, event];
  if (event.sequence === last.sequence && event.bestPrice !== null) {
    return [...events.slice(0, -1), { ...last, bestPrice: event.bestPrice }];
  }
  return events;
}
