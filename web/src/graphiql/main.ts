import "./workers";
import "graphiql/style.css";
import "./graphiql.css";

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createClient } from "graphql-ws";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

import { EXAMPLES } from "./examples";
import { NewestOrder } from "./newest-order";
import { storage } from "./storage";

const scheme = location.protocol === "https:" ? "wss" : "ws";
const wsClient = createClient({ url: `${scheme}://${location.host}/graphql`, lazy: true });

const root = document.getElementById("graphiql");
if (root) {
  const page = createElement(
    GraphiQL,
    {
      fetcher: createGraphiQLFetcher({ url: "/graphql", wsClient }),
      defaultTabs: EXAMPLES,
      defaultEditorToolsVisibility: "variables",
      isHeadersEditorEnabled: false,
      storage,
    },
    createElement(GraphiQL.Logo, null, createElement("a", { href: "/" }, "Trading desk")),
    createElement(NewestOrder),
  );
  createRoot(root).render(page);
}
