/** One WebSocket for everything: queries, mutations and streams, in the order they were asked. */

import { signal } from "@preact/signals";
import { createClient } from "graphql-ws";

import type { Operation } from "../../operation";

const KEEP_ALIVE_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const LONGEST_WAIT_MS = 5_000;

export const connection = signal<"connecting" | "live" | "reconnecting">("connecting");

const onLive = new Set<() => void>();
let socket: WebSocket | undefined;
let deadline: ReturnType<typeof setTimeout>;

const client = createClient({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`,
  lazy: false,
  keepAlive: KEEP_ALIVE_MS,
  retryAttempts: Infinity,
  shouldRetry: () => true,
  // With jitter, so that all the desks of a restarted server do not come back at once.
  retryWait: (retries) => pause(Math.min(250 * 2 ** retries, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2)),
  on: {
    connected: (opened) => {
      socket = opened as WebSocket;
      connection.value = "live";
      for (const react of onLive) react();
    },
    closed: () => {
      clearTimeout(deadline);
      connection.value = "reconnecting";
    },
    ping: (received) => {
      if (received) return;
      // A connection that died without a word looks open until somebody asks.
      deadline = setTimeout(() => socket?.close(4408, "No pong"), PONG_WITHIN_MS);
    },
    pong: (received) => {
      if (received) clearTimeout(deadline);
    },
  },
});

/** Do something now if live, and each time the connection is there again. */
export function whenLive(react: () => void): void {
  onLive.add(react);
  if (connection.value === "live") react();
}

/**
 * Return the data of one query or mutation. It is sent again where the connection broke before the
 * answer came, so a mutation must be safe to repeat: orders carry a clientOrderId.
 */
export function ask<Data, Variables extends Record<string, unknown>>(
  query: Operation<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  return new Promise((resolve, reject) => {
    client.subscribe<Data>(
      { query, variables },
      {
        next: ({ data, errors }) => {
          if (data && !errors) resolve(data);
          else reject(new Error(text(errors)));
        },
        error: (error) => reject(new Error(text(error))),
        complete: () => reject(new Error("The server sent no answer.")),
      },
    );
  });
}

/**
 * Follow a subscription; call what is returned to stop. After a broken connection it is subscribed
 * again with `variables` as they are then: `next` may move them on, so that nothing comes twice.
 */
export function follow<Data, Variables extends Record<string, unknown>>(
  query: Operation<Data, Variables>,
  variables: Variables,
  next: (data: Data) => void,
  failed: (message: string) => void = () => undefined,
): () => void {
  return client.subscribe<Data>(
    { query, variables },
    {
      next: ({ data, errors }) => {
        if (data) next(data);
        else if (errors) failed(text(errors));
      },
      error: (error) => failed(text(error)),
      complete: () => undefined,
    },
  );
}

function text(error: unknown): string {
  const first: unknown = Array.isArray(error) ? error[0] : error;
  const message = (first as { message?: unknown } | undefined)?.message;
  return typeof message === "string" && message ? message : "The server failed to answer.";
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
