import { bpsToPercent, compare, show } from "../lib/decimal";
import { via } from "../lib/route";
import { bought, paid } from "../state/market";
import { quote, refusal } from "../state/quote";
import * as ticket from "../state/ticket";
import { Amount, Price } from "./figure";
import { QuotesTable } from "./quotes-table";

/** What the ticket's order would get now. */
export function QuoteBox() {
  const now = quote.value;
  if (refusal.value) return <p class="quote quiet">No quote: {refusal.value}</p>;
  if (!now) return <p class="quote quiet">{ticket.quoteInput.value ? "Quoting…" : "No quote."}</p>;
  return (
    <div class="quote">
      <dl>
        <dt>Rate</dt>
        <dd>
          1 {paid} = <Price value={now.price} /> {bought}
        </dd>
        <dt>Receive about</dt>
        <dd>
          <Amount value={now.amountOut} /> {bought}
        </dd>
        {ticket.type.value === "MARKET" && (
          <>
            <dt>Receive at least</dt>
            <dd>
              <Amount value={now.minAmountOut} /> {bought}
            </dd>
          </>
        )}
        <dt>Price impact</dt>
        <dd>
          <Impact bps={now.priceImpactBps} />
        </dd>
        {now.route.length > 1 && (
          <>
            <dt>Route</dt>
            <dd>{via(now.route)}</dd>
          </>
        )}
      </dl>
      <QuotesTable quotes={now.compared} symbol={bought.value} />
    </div>
  );
}

function Impact({ bps }: { bps: string }) {
  const percent = `${show(bpsToPercent(bps), 2)} %`;
  if (compare(bps, "500") > 0) return <span class="bad">{percent}, very high</span>;
  if (compare(bps, "100") > 0) return <span class="warn">{percent}, high</span>;
  return <span>{percent}</span>;
}
