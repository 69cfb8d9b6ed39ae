import { buildSchema, isInputObjectType } from "graphql";

/** Say what the API can do, so that a page never offers what its own server lacks. */
export function features(sdl: string) {
  const schema = buildSchema(sdl);
  const queries = schema.getQueryType()?.getFields() ?? {};
  const mutations = schema.getMutationType()?.getFields() ?? {};
  const subscriptions = schema.getSubscriptionType()?.getFields() ?? {};
  const order = schema.getType("ExecuteMarketOrderInput");
  const inputs = isInputObjectType(order) ? order.getFields() : {};
  return {
    candles: "candles" in queries,
    quotes: "quotes" in subscriptions,
    allOrders: "orderEvents" in subscriptions,
    limit: "placeLimitOrder" in mutations,
    sniper: "placeSniperOrder" in mutations,
    cancel: "cancelOrder" in mutations,
    split: "allowSplit" in inputs,
    simulate: "simulate" in inputs,
  };
}

export type Features = ReturnType<typeof features>;
