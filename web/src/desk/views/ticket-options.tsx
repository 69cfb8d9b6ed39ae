import { paid, venues } from "../state/market";
import * as ticket from "../state/ticket";
import { Field } from "./field";

/** What most orders leave as it is. */
export function TicketOptions() {
  const type = ticket.type.value;
  return (
    <details>
      <summary>More options</summary>
      {type === "MARKET" && (
        <>
          <Field
            name="minAmountOut"
            label="Receive at least"
            hint="optional"
            value={ticket.minAmountOut}
            decimal
          />
          <Field
            name="maxPriceImpactBps"
            label="Highest price impact"
            hint="optional"
            unit="%"
            value={ticket.maxImpact}
            decimal
          />
        </>
      )}
      {type === "SNIPER" && (
        <Field
          name="minLiquidity"
          label="Least liquidity"
          hint="optional"
          unit={paid.value}
          value={ticket.minLiquidity}
          decimal
        />
      )}
      <Venues />
      {type !== "SNIPER" && (
        <label class="check">
          <input
            type="checkbox"
            checked={ticket.split.value}
            onChange={(event) => {
              ticket.split.value = event.currentTarget.checked;
            }}
          />
          Split over venues where that gives more
        </label>
      )}
      <Faults />
    </details>
  );
}

function Venues() {
  return (
    <fieldset>
      <legend>Venues</legend>
      {venues.value.map(({ id, name }) => (
        <label key={id} class="check">
          <input
            type="checkbox"
            checked={!ticket.leftOut.value.has(id)}
            onChange={() => toggle(id)}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}

function toggle(id: string): void {
  const left = new Set(ticket.leftOut.value);
  if (!left.delete(id)) left.add(id);
  ticket.leftOut.value = left;
}

/** Faults on request, like a payment provider's test cards. */
function Faults() {
  return (
    <fieldset class="faults">
      <legend>Faults to inject</legend>
      {Object.entries(ticket.FAULTS).map(([fault, label]) => (
        <label key={fault}>
          {label}
          <input
            type="number"
            min="0"
            value={ticket.faults.value[fault] ?? "0"}
            onInput={(event) => {
              ticket.faults.value = { ...ticket.faults.value, [fault]: event.currentTarget.value };
            }}
          />
        </label>
      ))}
    </fieldset>
  );
}
