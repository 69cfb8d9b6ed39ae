/** What the ticket's swap would give now. */

import { effect, signal } from "@preact/signals";

import { ask, connection, follow } from "../api/client";
import FOLLOW_QUOTES from "../api/operations/follow-quotes.graphql";
import QUOTE from "../api/operations/quote.graphql";
import type { Quote, QuoteInput, QuoteQuery } from "../api/types";
import { quoteInput } from "./ticket";

const TYPING_MS = 250;

export const quote = signal<Quote | null>(null);
export const refusal = signal<string | null>(null);

export function keepQuoted(): void {
  effect(() => {
    const input = quoteInput.value;
    quote.value = null;
    refusal.value = null;
    if (!input || connection.value !== "live") return undefined;
    return keepQuoting(input);
  });
}

/** Ask once typing pauses, for what is wrong too, then stay up to date until told to stop. */
function keepQuoting(input: QuoteInput): () => void {
  let stopped = false;
  const look = async () => {
    const answer = await asked(input);
    if (stopped) return;
    quote.value = answer.quote;
    refusal.value = answer.userErrors[0]?.message ?? null;
    if (!answer.quote) return;
    stop = follow(FOLLOW_QUOTES, { input }, ({ quotes }) => {
      quote.value = quotes;
    });
  };
  const timer = setTimeout(() => void look(), TYPING_MS);
  let stop = () => clearTimeout(timer);
  return () => {
    stopped = true;
    stop();
  };
}

async function asked(input: QuoteInput): Promise<QuoteQuery["quote"]> {
  try {
    return (await ask(QUOTE, { input })).quote;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { quote: null, userErrors: [{ code: "INTERNAL", message, field: null }] };
  }
}
