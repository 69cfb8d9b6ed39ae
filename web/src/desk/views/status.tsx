import type { OrderStatus } from "../api/types";
import { LOOKS } from "../lib/order-status";

export function Status({ status }: { status: OrderStatus }) {
  const { icon, word, tone } = LOOKS[status];
  return (
    <span class={`status ${tone}`}>
      <span aria-hidden="true">{icon}</span> {word}
    </span>
  );
}
