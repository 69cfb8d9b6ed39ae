import type { OrderEvent } from "../api/types";

/** Return the events with one more, unless it came before, or is no step but a price. */
export function merged(events: OrderEvent[], event: OrderEvent): OrderEvent[] {
  const isNext = !event.isLive && event.sequence > (events.at(-1)?.sequence ?? 0);
  return isNext ? [...events, event] : events;
}
