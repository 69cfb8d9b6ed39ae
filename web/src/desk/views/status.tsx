import type { OrderStatus } from "../api/types";
import { LOOKS } from "../lib/order-status";

export function Status({ status }: { status: OrderStatus }) {
  const { icon, word, tone } = LOOKS[status];
  return (
    <span class={`status ${tone}`}>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d={icon.lines} fill="none" stroke="currentColor" stroke-width="1.6" />
        {icon.filled && <path d={icon.filled} fill="currentColor" />}
      </svg>{" "}
      {word}
    </span>
  );
}
