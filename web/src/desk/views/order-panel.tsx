import type { Failure, Order, OrderEvent, RetryClass } from "../api/types";
import { via } from "../lib/route";
import { clock } from "../lib/time";
import { nameOf } from "../state/market";
import { bestPrice, events, order, problem, selectedId } from "../state/selection";
import { Amount, Price } from "./figure";
import { CancelButton } from "./orders-table";
import { QuotesTable } from "./quotes-table";
import { Status } from "./status";
import { TokenName } from "./token-name";

const NEXT_STEP: Record<RetryClass, string> = {
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
        <Amount value={order.amountIn} /> <TokenName token={order.tokenIn} /> →{" "}
        <TokenName token={order.tokenOut} />
        {order.limitPrice !== null && (
          <>
            {" "}
            at <Price value={order.limitPrice} /> or better
          </>
        )}
        <code>{order.id}</code>
      </p>
      {bestPrice.value !== null && (
        <p>
          Best price now{" "}
          <strong>
            <Price value={bestPrice.value} />
          </strong>{" "}
          <Unit order={order} />
        </p>
      )}
      <ol class="timeline" aria-label="Timeline">
        {events.value.map((event) => (
          <Step key={event.sequence} event={event} order={order} />
        ))}
      </ol>
      {quoted && <QuotesTable quotes={quoted.quotes} symbol={nameOf(order.tokenOut)} />}
    </>
  );
}

function Step({ event, order }: { event: OrderEvent; order: Order }) {
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
          Quoted <Price value={event.quotedPrice} /> <Unit order={order} />
        </p>
      )}
      {event.amountOut !== null && (
        <p>
          Received <Amount value={event.amountOut} /> <TokenName token={order.tokenOut} />
          {event.executedPrice !== null && (
            <>
              {" "}
              at <Price value={event.executedPrice} /> <Unit order={order} />
            </>
          )}
        </p>
      )}
      {event.failure && <Reason failure={event.failure} />}
    </li>
  );
}

/** What a price of an order is in. */
function Unit({ order }: { order: Order }) {
  return (
    <>
      <TokenName token={order.tokenOut} />/<TokenName token={order.tokenIn} />
    </>
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
  return (
    <p class="bad">
      <code>{failure.code}</code> {failure.venue && `${failure.venue.name}: `}
      {failure.message} <span class="quiet">({NEXT_STEP[failure.retryClass]})</span>
    </p>
  );
}
