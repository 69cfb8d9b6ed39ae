import { expect, it } from "vitest";

import { features } from "./features.ts";

it("says what an API has and what it lacks", () => {
  const has = features(`
    input ExecuteMarketOrderInput { amount: String simulate: Boolean }
    type Query { candles: Int }
    type Mutation { executeMarketOrder(input: ExecuteMarketOrderInput): Int cancelOrder: Int }
    type Subscription { orderStatus: Int }
  `);

  expect(has).toEqual({
    candles: true,
    quotes: false,
    allOrders: false,
    limit: false,
    sniper: false,
    cancel: true,
    split: false,
    simulate: true,
  });
});
