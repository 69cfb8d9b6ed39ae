// Queries and mutations over HTTP, subscriptions over graphql-transport-ws. No library.
"use strict";

const find = (id) => document.getElementById(id);
let socket;

const EXAMPLES = [
  async () => `mutation {
  executeMarketOrder(input: {tokenIn: "SOL", tokenOut: "USDC", amount: "1.5"}) {
    order { id status }
    userErrors { code field message }
  }
}`,
  async () => {
    const { data } = await ask("{ orders(first: 1) { nodes { id } } }");
    return `subscription {
  orderStatus(orderId: "${data.orders.nodes[0]?.id ?? "place one first"}", after: 0) {
    sequence status attempt amountOut failure { code message }
  }
}`;
  },
  async () => `query {
  quote(input: {tokenIn: "SOL", tokenOut: "USDC", amount: "1.5"}) {
    quote { amountOut price compared { venue { name } amountOut failure { message } } }
    userErrors { code field message }
  }
}`,
];

async function ask(query) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

function follow(query) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/graphql`, "graphql-transport-ws");
  const send = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ type: "connection_init" });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "connection_ack") {
      send({ id: "1", type: "subscribe", payload: { query } });
    } else if (message.type === "ping") {
      send({ type: "pong" });
    } else if (message.type === "complete") {
      show("complete");
    } else {
      show(message.payload);
    }
  };
  socket.onclose = ({ reason }) => reason && show(reason);
}

function show(answer) {
  const text = typeof answer === "string" ? answer : JSON.stringify(answer, null, 2);
  find("answer").textContent += `${text}\n`;
}

async function run() {
  socket?.close();
  find("answer").textContent = "";
  const query = find("document").value;
  if (/^\s*subscription\b/m.test(query)) {
    follow(query);
    return;
  }
  try {
    show(await ask(query));
  } catch (error) {
    show(`The server cannot be reached: ${error.message}`);
  }
}

find("run").addEventListener("click", run);
[...find("examples").children].forEach((button, index) => {
  button.addEventListener("click", async () => {
    find("document").value = await EXAMPLES[index]();
  });
});
EXAMPLES[0]().then((example) => {
  find("document").value = example;
});
