// One order placed and followed to its end, with each of what front ends use. The tests call these
// from a page of another origin than the API's.

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';

const PLACE = `mutation Place {
  executeMarketOrder(input: { tokenIn: "SOL", tokenOut: "USDC", amount: "0.5" }) {
    order { id }
    userErrors { code }
  }
}`;
const FOLLOW = `subscription Follow($id: ID!) {
  orderStatus(orderId: $id) { sequence status }
}`;

const sockets = (url) => createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0 });

async function post(url, operation, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(operation),
  });
  return response.json();
}

async function placeWithFetch(url) {
  // A key, and a header of a tracer: the browser asks beforehand whether it may send them.
  const headers = { authorization: 'Bearer none', traceparent: '00-0-0-00' };
  const { data } = await post(url, { query: PLACE }, headers);
  return data.executeMarketOrder.order.id;
}

async function withGraphqlWs(url) {
  const client = sockets(url);
  const id = await placeWithFetch(url);
  const statuses = [];
  for await (const { data } of client.iterate({ query: FOLLOW, variables: { id } })) {
    statuses.push(data.orderStatus.status);
  }
  await client.dispose();
  return statuses;
}

async function withApollo(url) {
  const socket = sockets(url);
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url }),
    ),
  });
  const { data } = await client.mutate({ mutation: gql(PLACE) });
  const { id } = data.executeMarketOrder.order;
  const statuses = [];
  await new Promise((resolve, reject) => {
    client.subscribe({ query: gql(FOLLOW), variables: { id } }).subscribe({
      next: (result) => statuses.push(result.data.orderStatus.status),
      error: reject,
      complete: resolve,
    });
  });
  await socket.dispose();
  return statuses;
}

async function withUrql(url) {
  const socket = sockets(url);
  const client = new Client({
    url,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
  const { data, error } = await client.mutation(PLACE, {}).toPromise();
  if (error) throw error;
  const { id } = data.executeMarketOrder.order;
  const statuses = [];
  await new Promise((resolve, reject) => {
    client.subscription(FOLLOW, { id }).subscribe((result) => {
      if (result.error) reject(result.error);
      statuses.push(result.data.orderStatus.status);
      if (result.data.orderStatus.status === 'CONFIRMED') resolve();
    });
  });
  await socket.dispose();
  return statuses;
}

/** What a page is told that opens a WebSocket: `open`, or `error`. */
function opens(url) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve('error');
  });
}

window.clients = { withGraphqlWs, withApollo, withUrql, placeWithFetch, opens };
