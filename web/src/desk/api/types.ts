/** Short names for what the operations answer; the shapes are made from schema.graphql by the build. */

import type {
  CandlesQuery,
  FollowOrderSubscription,
  MarketQuery,
  OrderFieldsFragment,
  PayloadFieldsFragment,
  QuoteFieldsFragment,
  VenueQuoteFieldsFragment,
} from "../../../generated/operations";

export type {
  ExecuteMarketOrderInput,
  OrderFilter,
  OrderStatus,
  OrderType,
  PlaceLimitOrderInput,
  PlaceSniperOrderInput,
  QuoteInput,
  QuoteQuery,
  RetryClass,
  SimulateInput,
} from "../../../generated/operations";

export type Order = OrderFieldsFragment;
export type OrderEvent = FollowOrderSubscription["orderStatus"];
export type OrderPayload = PayloadFieldsFragment;
export type UserError = OrderPayload["userErrors"][number];
export type Failure = NonNullable<OrderEvent["failure"]>;
export type RouteLeg = Order["route"][number];
export type Quote = QuoteFieldsFragment;
export type VenueQuote = VenueQuoteFieldsFragment;
export type Token = MarketQuery["tokens"][number];
export type Venue = MarketQuery["venues"][number];
export type Candle = CandlesQuery["candles"][number];
