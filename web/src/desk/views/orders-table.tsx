import { connection } from "../api/client";
import type { Order } from "../api/types";
import { isCancelable } from "../lib/order-status";
import { via } from "../lib/route";
import { clock } from "../lib/time";
import {
  FILTERS,
  type FilterName,
  cancel,
  cancelProblem,
  canceling,
  filterName,
  hasOlder,
  loaded,
  rows,
  showFilter,
  showNewer,
  showOlder,
  trail,
} from "../state/orders";
import { select, selectedId } from "../state/selection";
import { Amount, Price } from "./figure";
import { Status } from "./status";
import { TokenName } from "./token-name";

export function OrdersTable() {
  return (
    <section class="panel orders" aria-labelledby="orders-title">
      <div class="title">
        <h2 id="orders-title">Orders</h2>
        <Filter />
      </div>
      <div class="scroll" tabIndex={0} role="group" aria-label="List of orders">
        <table>
          <thead>
            <tr>
              <th scope="col">Placed</th>
              <th scope="col">Status</th>
              <th scope="col">Type</th>
              <th scope="col">Swap</th>
              <th scope="col">Price</th>
              <th scope="col">Venue</th>
              <th scope="col">Cancel</th>
            </tr>
          </thead>
          <tbody>
            {rows.value.map((order) => (
              <Row key={order.id} order={order} />
            ))}
          </tbody>
        </table>
        {loaded.value && rows.value.length === 0 && <p class="quiet">No orders here yet.</p>}
      </div>
      {cancelProblem.value && <p role="alert">{cancelProblem.value}</p>}
      <div class="paging">
        <button type="button" disabled={trail.value.length === 1} onClick={showNewer}>
          Newer
        </button>
        <span>Page {trail.value.length}</span>
        <button type="button" disabled={!hasOlder.value} onClick={showOlder}>
          Older
        </button>
      </div>
    </section>
  );
}

function Filter() {
  return (
    <fieldset class="choices">
      <legend class="unseen">Which orders</legend>
      {(Object.keys(FILTERS) as FilterName[]).map((name) => (
        <label key={name}>
          <input
            type="radio"
            name="filter"
            checked={filterName.value === name}
            onChange={() => showFilter(name)}
          />
          <span>{FILTERS[name].label}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Row({ order }: { order: Order }) {
  const selected = selectedId.value === order.id;
  const price = order.executedPrice ?? order.limitPrice;
  return (
    <tr
      class={selected ? "selected" : undefined}
      aria-current={selected ? "true" : undefined}
      data-order={order.id}
      onClick={() => select(order.id)}
    >
      <td>
        <a href={`#order=${order.id}`}>{clock(order.createdAt)}</a>
      </td>
      <td>
        <Status status={order.status} />
      </td>
      <td>{order.type[0] + order.type.slice(1).toLowerCase()}</td>
      <td>
        <Amount value={order.amountIn} /> <TokenName token={order.tokenIn} /> →{" "}
        {order.amountOut !== null && <Amount value={order.amountOut} />}{" "}
        <TokenName token={order.tokenOut} />
      </td>
      <td>
        {order.executedPrice === null && price !== null && "≥ "}
        {price === null ? "–" : <Price value={price} />}
      </td>
      <td>{via(order.route) || order.venue?.name || "–"}</td>
      <td>
        <CancelButton order={order} />
      </td>
    </tr>
  );
}

export function CancelButton({ order }: { order: Order }) {
  if (!isCancelable(order.status)) return null;
  return (
    <button
      type="button"
      class="small"
      disabled={connection.value !== "live" || canceling.value.has(order.id)}
      aria-label={`Cancel the order of ${clock(order.createdAt)}`}
      onClick={(event) => {
        event.stopPropagation();
        void cancel(order.id);
      }}
    >
      Cancel
    </button>
  );
}
