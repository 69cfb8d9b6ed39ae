import type { OrderStatus } from "../api/types";

export type Tone = "busy" | "wait" | "good" | "bad" | "quiet";

/** What is drawn in a square of 16: lines, and a part that is filled. */
interface Icon {
  lines: string;
  filled?: string;
}

const CIRCLE = "M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12";
const CLOCK: Icon = { lines: `${CIRCLE}M8 4.5V8l2.5 1.5` };

/**
 * How a status looks: an icon, a word and a colour, so that none of them stands alone. The icons are
 * drawn, because no font has all of them everywhere.
 */
export const LOOKS: Record<OrderStatus, { icon: Icon; word: string; tone: Tone }> = {
  PENDING: { icon: { lines: CIRCLE }, word: "Pending", tone: "busy" },
  ROUTING: { icon: { lines: CIRCLE, filled: "M8 8V2a6 6 0 0 1 6 6z" }, word: "Routing", tone: "busy" },
  WAITING_PRICE: { icon: CLOCK, word: "Waiting for price", tone: "wait" },
  WAITING_POOL: { icon: CLOCK, word: "Waiting for pool", tone: "wait" },
  BUILDING: { icon: { lines: CIRCLE, filled: "M8 2a6 6 0 0 1 0 12z" }, word: "Building", tone: "busy" },
  SUBMITTED: { icon: { lines: CIRCLE, filled: "M8 8V2a6 6 0 1 1-6 6z" }, word: "Submitted", tone: "busy" },
  CONFIRMED: { icon: { lines: "M3 8.5 6.5 12 13 4.5" }, word: "Confirmed", tone: "good" },
  FAILED: { icon: { lines: "m4 4 8 8m0-8-8 8" }, word: "Failed", tone: "bad" },
  CANCELED: { icon: { lines: `${CIRCLE}M3.8 12.2 12.2 3.8` }, word: "Canceled", tone: "quiet" },
  EXPIRED: { icon: { lines: "M4 2h8M5 2v2.5L11 11.5V14M11 2v2.5L5 11.5V14M4 14h8" }, word: "Expired", tone: "quiet" },
};

const SENT: OrderStatus[] = ["SUBMITTED", "CONFIRMED", "FAILED", "CANCELED", "EXPIRED"];

/** Say whether a cancel can still win. */
export function isCancelable(status: OrderStatus): boolean {
  return !SENT.includes(status);
}

/** Say whether an order rests until the market comes to it. */
export function isResting(status: OrderStatus): boolean {
  return status === "WAITING_PRICE" || status === "WAITING_POOL";
}
