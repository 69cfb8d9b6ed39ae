import type { OrderStatus } from "../api/types";

export type Tone = "busy" | "wait" | "good" | "bad" | "quiet";

/** How a status looks: an icon, a word and a colour, so that none of them stands alone. */
export const LOOKS: Record<OrderStatus, { icon: string; word: string; tone: Tone }> = {
  PENDING: { icon: "○", word: "Pending", tone: "busy" },
  ROUTING: { icon: "◔", word: "Routing", tone: "busy" },
  WAITING_PRICE: { icon: "◷", word: "Waiting for price", tone: "wait" },
  WAITING_POOL: { icon: "◷", word: "Waiting for pool", tone: "wait" },
  BUILDING: { icon: "◑", word: "Building", tone: "busy" },
  SUBMITTED: { icon: "◕", word: "Submitted", tone: "busy" },
  CONFIRMED: { icon: "✓", word: "Confirmed", tone: "good" },
  FAILED: { icon: "✕", word: "Failed", tone: "bad" },
  CANCELED: { icon: "⊘", word: "Canceled", tone: "quiet" },
  EXPIRED: { icon: "⌛", word: "Expired", tone: "quiet" },
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
