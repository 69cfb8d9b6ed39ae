import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

import { connection } from "../api/client";
import type { OrderType } from "../api/types";
import { compare, isDecimal, show } from "../lib/decimal";
import { bought, choose, paid, swapSides, tokens } from "../state/market";
import { errorAt, forgetErrors, place, placing } from "../state/placing";
import { quote } from "../state/quote";
import * as ticket from "../state/ticket";
import { Field } from "./field";
import { QuoteBox } from "./quote-box";
import { TicketOptions } from "./ticket-options";

const TYPES: { type: OrderType; label: string }[] = [
  { type: "MARKET", label: "Market" },
  { type: "LIMIT", label: "Limit" },
  { type: "SNIPER", label: "Sniper" },
];

const LIFETIMES = [
  { minutes: "5", label: "5 minutes" },
  { minutes: "60", label: "1 hour" },
  { minutes: "1440", label: "1 day" },
  { minutes: "43200", label: "30 days" },
];

const SLIPPAGES = ["0.1", "0.5", "1"];

export function Ticket() {
  const type = ticket.type.value;
  return (
    <section class="panel ticket" aria-labelledby="ticket-title">
      <h2 id="ticket-title">Order ticket</h2>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void place();
        }}
      >
        <Types />
        <div class="sides">
          <TokenSelect label="Pay" side={paid} />
          {type !== "SNIPER" && (
            <>
              <button type="button" class="swap" aria-label="Swap sides" onClick={swapSides}>
                ⇄
              </button>
              <TokenSelect label="Receive" side={bought} />
            </>
          )}
        </div>
        {type === "SNIPER" && <Field name="tokenOut" label="Mint to receive" value={ticket.mint} />}
        <Field name="amount" label="Amount" unit={paid.value} value={ticket.amount} decimal />
        {type === "LIMIT" && (
          <Field
            name="limitPrice"
            label="Limit price"
            unit={`${bought.value}/${paid.value}`}
            value={ticket.limitPrice}
            decimal
          />
        )}
        {type === "SNIPER" && (
          <Field name="maxPrice" label="Highest price" hint="optional" value={ticket.maxPrice} decimal />
        )}
        {type === "MARKET" && <Slippage value={ticket.slippage} />}
        {type === "SNIPER" && <Slippage value={ticket.sniperSlippage} />}
        {type !== "MARKET" && <Lifetime />}
        <TicketOptions />
        {type !== "SNIPER" && <QuoteBox />}
        <Problem />
        <SubmitButton />
      </form>
    </section>
  );
}

function Types() {
  return (
    <fieldset class="choices">
      <legend class="unseen">Order type</legend>
      {TYPES.map(({ type, label }) => (
        <Choice
          key={type}
          name="type"
          checked={ticket.type.value === type}
          onChoose={() => chooseType(type)}
        >
          {label}
        </Choice>
      ))}
    </fieldset>
  );
}

/** A limit begins at the price of the moment, to be moved from there. */
function chooseType(type: OrderType): void {
  const price = quote.value && show(quote.value.price).replaceAll(",", "");
  ticket.type.value = type;
  forgetErrors();
  if (type === "LIMIT" && price) ticket.limitPrice.value = price;
}

function TokenSelect({ label, side }: { label: string; side: Signal<string> }) {
  const id = `token-${label}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={side.value}
        onChange={(event) => choose(side, event.currentTarget.value)}
      >
        {tokens.value.map((token) => (
          <option key={token.mint} value={token.symbol}>
            {token.symbol}
          </option>
        ))}
      </select>
    </div>
  );
}

function Lifetime() {
  return (
    <div class="field">
      <label for="lifetime">Good for</label>
      <select
        id="lifetime"
        value={ticket.lifetimeMinutes.value}
        onChange={(event) => {
          ticket.lifetimeMinutes.value = event.currentTarget.value;
        }}
      >
        {LIFETIMES.map(({ minutes, label }) => (
          <option key={minutes} value={minutes}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

function Slippage({ value }: { value: Signal<string> }) {
  return (
    <div class="slippage">
      <fieldset class="choices">
        <legend>Slippage</legend>
        {SLIPPAGES.map((percent) => (
          <Choice
            key={percent}
            name="slippage"
            checked={value.value === percent}
            onChoose={() => {
              value.value = percent;
            }}
          >
            {percent} %
          </Choice>
        ))}
      </fieldset>
      <Field name="slippageBps" label="Own slippage" unit="%" value={value} decimal />
      <SlippageWarning percent={value.value} />
    </div>
  );
}

function SlippageWarning({ percent }: { percent: string }) {
  if (!isDecimal(percent)) return null;
  if (compare(percent, "3") > 0) {
    return <p class="warn">⚠ You may receive far less than quoted.</p>;
  }
  if (compare(percent, "0.1") < 0) {
    return <p class="warn">⚠ The order may fail at the slightest move of the price.</p>;
  }
  return null;
}

function Choice(props: {
  name: string;
  checked: boolean;
  onChoose: () => void;
  children: ComponentChildren;
}) {
  return (
    <label>
      <input type="radio" name={props.name} checked={props.checked} onChange={props.onChoose} />
      <span>{props.children}</span>
    </label>
  );
}

function Problem() {
  const message = errorAt(null);
  return message ? <p role="alert">{message}</p> : null;
}

function SubmitButton() {
  const name = TYPES.find(({ type }) => type === ticket.type.value)?.label.toLowerCase();
  const live = connection.value === "live";
  const empty = !ticket.amount.value.trim();
  const label = !live
    ? "Reconnecting…"
    : placing.value
      ? "Placing…"
      : empty
        ? "Enter an amount"
        : `Place ${name} order`;
  return (
    <button type="submit" class="primary" disabled={!live || placing.value || empty}>
      {label}
    </button>
  );
}
