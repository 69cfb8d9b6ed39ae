import type { Order } from "../api/types";
import { show } from "../lib/decimal";
import { nameOf } from "../state/market";
import { dismiss, toasts } from "../state/toasts";
import { Status } from "./status";

const AT_ONCE = 3;

export function Toasts() {
  const more = toasts.value.length - AT_ONCE;
  return (
    <div class="toasts" role="log" aria-label="News of orders">
      {toasts.value.slice(0, AT_ONCE).map((order) => (
        <Toast key={order.id} order={order} />
      ))}
      {more > 0 && <p class="toast">and {more} more</p>}
    </div>
  );
}

function Toast({ order }: { order: Order }) {
  const swap = `${show(order.amountIn)} ${nameOf(order.tokenIn)} → ${nameOf(order.tokenOut)}`;
  return (
    <div class="toast" data-toast={order.id}>
      <a href={`#order=${order.id}`}>
        <Status status={order.status} /> {swap}
      </a>
      {order.failure && order.isTerminal && <span>{order.failure.message}</span>}
      <button
        type="button"
        class="plain"
        aria-label={`Dismiss news of ${swap}`}
        onClick={() => dismiss(order.id)}
      >
        ×
      </button>
    </div>
  );
}
