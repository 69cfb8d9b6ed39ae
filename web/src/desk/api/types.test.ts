import { expect, it } from "vitest";

import type { Order, OrderEvent, UserError } from "./types";

// What is checked here is checked by the compiler: an error that is expected must be one.

it("lets nobody read what a document does not ask for", () => {
  const order = {} as Order;
  // @ts-expect-error The schema has it, the fragment does not ask for it.
  expect(order.slot).toBeUndefined();
});

it("knows what can be null, and each word of an enum", () => {
  const event = { failure: null, status: "PENDING" } as OrderEvent;
  // @ts-expect-error Only a failed step has one.
  expect(() => event.failure.code).toThrow();
  // @ts-expect-error No order has this status.
  expect(event.status === "DONE").toBe(false);
});

it("takes money for text", () => {
  const amount: string = ({ amountIn: "0.25" } as Order).amountIn;
  expect(amount).toBe("0.25");
  // @ts-expect-error A code of the schema's only.
  const error: UserError = { code: "NONSENSE", message: "", field: null };
  expect(error.field).toBeNull();
});
