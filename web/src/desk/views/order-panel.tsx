import type { Failure, Order, OrderEvent } from "../api/types";
import { show } from "../lib/decimal";
import { via } from "../lib/route";
import { clock } from "../lib/time";
import { bestPrice, events, order, problem, selectedId } from "../state/selection";
import { CancelButton } from "./orders-table";
import { QuotesTable } from "./quotes-table";
import { Status } from "./status";

const NEXT_STEP: Record<string, string> = {
  RETRY: "may succeed when tried again",
  REQUOTE: "needs a new quote",
  FATAL: "trying again will not help",
};

export function OrderPanel() {
  return (
    <section class="panel order" aria-labelledby="order-title">
      <div class="title">
        <h2 id="order-title">Order</h2>
        {order.value && <Status status={order.value.status} />}
        {order.value && <CancelButton order={order.value} />}
      </div>
      {problem.value && <p role="alert">{problem.value}</p>}
      {!selectedId.value && (
        <p class="quiet">Place an order, or choose one of the list, to see every step of its life.</p>
      )}
      {order.value && <Chosen order={order.value} />}
    </section>
  );
}

function Chosen({ order }: { order: Order }) {
  const quoted = events.value.findLast((event) => event.quotes.length > 0);
  return (
    <>
      <p class="order-line">
        {show(order.amountIn)} {order.tokenIn.symbol} → {order.tokenOut.symbol}
        {order.limitPrice !== null && ` at ${show(order.limitPrice)} or better`}
        <code>{order.id}</code>
      </p>
      {bestPrice.value !== null && (
        <p>
          Best price now <strong>{show(bestPrice.value)}</strong> {order.tokenOut.symbol}/
          {order.tokenIn.symbol}
        </p>
      )}
      <ol class="timeline" aria-label="Timeline">
        {events.value.map((event) => (
          <Step key={event.sequence} event={event} order={order} />
        ))}
      </ol>
      {quoted && <QuotesTable quotes={quoted.quotes} symbol={order.tokenOut.symbol} />}
    </>
  );
}

function Step({ event, order }: { event: OrderEvent; order: Order }) {
  const { tokenIn, tokenOut } = order;
  const unit = `${tokenOut.symbol}/${tokenIn.symbol}`;
  return (
    <li data-sequence={event.sequence}>
      <div class="step">
        <Status status={event.status} />
        {event.attempt > 0 && <span class="attempt">Attempt {event.attempt}</span>}
        <time dateTime={event.occurredAt}>{clock(event.occurredAt, 3)}</time>
      </div>
      <Route event={event} />
      {event.quotedPrice !== null && (
        <p>
          Quoted {show(event.quotedPrice)} {unit}
        </p>
      )}
      {event.amountOut !== null && (
        <p>
          Received {show(event.amountOut)} {tokenOut.symbol}
          {event.executedPrice !== null && ` at ${show(event.executedPrice)} ${unit}`}
        </p>
      )}
      {event.failure && <Reason failure={event.failure} />}
    </li>
  );
}

function Route({ event }: { event: OrderEvent }) {
  const venues = via(event.route) || event.venue?.name;
  if (!venues && !event.txSignature) return null;
  return (
    <p>
      {venues && `Via ${venues} `}
      {event.txSignature && <code>{event.txSignature.slice(0, 12)}…</code>}
    </p>
  );
}

function Reason({ failure }: { failure: Failure }) {
  const next = NEXT_STEP[failure.retryClass ?? ""];
  return (
    <p class="bad">
      <code>{failure.code}</code> {failure.venue && `${failure.venue.name}: `}
      {failure.message} {next && <span class="quiet">({next})</span>}
    </p>
  );
}
