/** What the operations answer. A test checks each operation against schema.graphql. */

/** An exact base-10 number. Never make it a `number`: money does not pass through a float. */
export type Decimal = string;

export type OrderType = "MARKET" | "LIMIT" | "SNIPER";
export type OrderStatus =
  | "PENDING"
  | "ROUTING"
  | "WAITING_PRICE"
  | "WAITING_POOL"
  | "BUILDING"
  | "SUBMITTED"
  | "CONFIRMED"
  | "FAILED"
  | "CANCELED"
  | "EXPIRED";

export interface Token {
  mint: string;
  symbol: string;
  name: string;
  decimals: number;
}

export interface Venue {
  id: string;
  name: string;
}

export interface Named {
  name: string;
}

export interface Failure {
  code: string;
  message: string;
  retryClass?: string;
  venue?: Named | null;
}

export interface VenueQuote {
  venue: Venue;
  amountOut: Decimal | null;
  price: Decimal | null;
  latencyMs: number;
  failure: Failure | null;
}

export interface RouteLeg {
  venue: Named;
  shareBps: number;
}

export interface Quote {
  amountOut: Decimal;
  minAmountOut: Decimal;
  price: Decimal;
  priceImpactBps: Decimal;
  route: RouteLeg[];
  compared: VenueQuote[];
}

export interface Order {
  id: string;
  type: OrderType;
  status: OrderStatus;
  isTerminal: boolean;
  sequence: number;
  tokenIn: { symbol: string };
  tokenOut: { symbol: string };
  amountIn: Decimal;
  amountOut: Decimal | null;
  minAmountOut: Decimal | null;
  limitPrice: Decimal | null;
  expiresAt: string | null;
  venue: Named | null;
  route: RouteLeg[];
  executedPrice: Decimal | null;
  attempts: number;
  failure: Failure | null;
  createdAt: string;
  completedAt: string | null;
}

export interface OrderEvent {
  sequence: number;
  status: OrderStatus;
  attempt: number;
  occurredAt: string;
  quotes: VenueQuote[];
  route: RouteLeg[];
  venue: Named | null;
  quotedPrice: Decimal | null;
  bestPrice: Decimal | null;
  txSignature: string | null;
  executedPrice: Decimal | null;
  amountOut: Decimal | null;
  failure: Failure | null;
  isLive: boolean;
  order: Order;
}

export interface UserError {
  code: string;
  message: string;
  field: string[] | null;
}

export interface OrderPayload {
  order: Order | null;
  userErrors: UserError[];
}

export interface Candle {
  openedAt: string;
  open: Decimal;
  high: Decimal;
  low: Decimal;
  close: Decimal;
}
