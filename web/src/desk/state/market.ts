/** What can be traded, and the pair that is looked at. */

import { computed, signal } from "@preact/signals";

import { ask, whenLive } from "../api/client";
import MARKET from "../api/operations/market.graphql";
import type { Order, Token, Venue } from "../api/types";
import { shortMint } from "../lib/short-mint";

export const tokens = signal<Token[]>([]);
export const venues = signal<Venue[]>([]);
export const paid = signal("SOL");
export const bought = signal("USDC");

// Prices are read in the one that comes first here, whichever way a swap goes.
const QUOTED_IN = ["USDC", "USDT", "SOL"];

const byMint = computed(() => new Map(tokens.value.map((token) => [token.mint, token])));
/** Mints that the tokens were read anew for. */
const lookedFor = new Set<string>();

/** The pair as a chart shows it, SOL/USDC also for those who pay USDC. */
export const pair = computed(() => inMarketOrder(paid.value, bought.value));

export function inMarketOrder(one: string, other: string): { base: string; quote: string } {
  return rank(one) < rank(other) ? { base: other, quote: one } : { base: one, quote: other };
}

export function swapSides(): void {
  [paid.value, bought.value] = [bought.value, paid.value];
}

/** Choose a side. The other one moves out of the way where it is the same. */
export function choose(side: typeof paid, symbol: string): void {
  const other = side === paid ? bought : paid;
  if (other.value === symbol) other.value = side.value;
  side.value = symbol;
}

export function loadMarket(): void {
  whenLive(() => {
    lookedFor.clear();
    void readMarket();
  });
}

/**
 * Return how a token is called. Only what the market lists has a symbol: any mint can begin like one,
 * and what the API calls a mint that it does not know may look like another token's symbol.
 */
export function nameOf({ mint }: { mint: string }): string {
  return byMint.value.get(mint)?.symbol ?? shortMint(mint);
}

/** Read the tokens anew where an order trades one that is not among them: it was launched since. */
export function learnTokens({ route, tokenIn, tokenOut }: Order): void {
  const news = [tokenIn, tokenOut].filter(
    ({ mint }) => !byMint.peek().has(mint) && !lookedFor.has(mint),
  );
  if (route.length === 0 || news.length === 0 || tokens.peek().length === 0) return;
  news.forEach(({ mint }) => lookedFor.add(mint));
  void readMarket();
}

async function readMarket(): Promise<void> {
  const market = await ask(MARKET, {});
  tokens.value = market.tokens;
  venues.value = market.venues;
}

function rank(symbol: string): number {
  const at = QUOTED_IN.indexOf(symbol);
  return at < 0 ? QUOTED_IN.length : at;
}
