import cancel from "./examples/06-cancel.graphql?raw";
import compare from "./examples/04-quote.graphql?raw";
import follow from "./examples/02-follow.graphql?raw";
import history from "./examples/03-history.graphql?raw";
import limit from "./examples/05-limit.graphql?raw";
import place from "./examples/01-place.graphql?raw";

export interface Example {
  query: string;
  variables?: string;
}

/** What the page fills in: the order placed last. */
export const NO_ORDER_YET = json({ orderId: "" });

/** The tabs of a first visit. The first has no variables: GraphiQL would lose them (issue 3392). */
export const EXAMPLES: Example[] = [
  { query: place },
  { query: follow, variables: NO_ORDER_YET },
  {
    query: history,
    variables: json({ filter: { status: ["CONFIRMED", "FAILED"] }, first: 5, after: null }),
  },
  {
    query: compare,
    variables: json({ input: { tokenIn: "SOL", tokenOut: "USDC", amount: "1.5" } }),
  },
  { query: limit },
  { query: cancel, variables: NO_ORDER_YET },
];

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
