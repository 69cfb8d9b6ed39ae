import type { VenueQuote } from "../api/types";
import { percentBelow } from "../lib/decimal";
import { Amount, Price } from "./figure";

/** Every venue's answer beside the best one. The server lists the best first. */
export function QuotesTable({ quotes, symbol }: { quotes: VenueQuote[]; symbol: string }) {
  const best = quotes[0]?.amountOut ?? null;
  return (
    <table class="quotes">
      <caption>Quotes compared</caption>
      <thead>
        <tr>
          <th scope="col">Venue</th>
          <th scope="col">Price</th>
          <th scope="col">Receive {symbol}</th>
          <th scope="col">Against best</th>
        </tr>
      </thead>
      <tbody>
        {quotes.map((quote) => (
          <tr key={quote.venue.id}>
            <th scope="row">{quote.venue.name}</th>
            {quote.amountOut === null || quote.price === null || best === null ? (
              <td colSpan={3} class="bad">
                {quote.failure?.message ?? "no answer"}
              </td>
            ) : (
              <>
                <td>
                  <Price value={quote.price} />
                </td>
                <td>
                  <Amount value={quote.amountOut} />
                </td>
                <td>{quote === quotes[0] ? "best" : against(best, quote.amountOut)}</td>
              </>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function against(best: string, amount: string): string {
  const below = percentBelow(best, amount);
  return below === "0" ? "about best" : `−${below} %`;
}
