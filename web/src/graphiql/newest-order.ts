import { useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";

import type { NewestOrderQuery } from "../../generated/operations";
import { json } from "./examples";
import NEWEST_ORDER from "./newest-order.graphql";
import { storage } from "./storage";

const FILLED = "filled-order-id";

/** Write the newest order's id into the tab that is opened, where it asks for one. */
export function NewestOrder(): null {
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id);
  const editor = useGraphiQL((state) => state.variableEditor);
  useEffect(() => {
    if (!editor || !wantsOrder(editor.getValue())) return;
    void newestOrder().then((id) => {
      // Meanwhile somebody may have typed, or gone to another tab.
      if (id === undefined || !wantsOrder(editor.getValue())) return;
      storage.setItem(FILLED, id);
      editor.setValue(json({ orderId: id }));
    });
  }, [tab, editor]);
  return null;
}

/** Say whether these variables are an order's id that nobody typed: none yet, or filled by us. */
function wantsOrder(variables: string): boolean {
  const id = [`""`, JSON.stringify(storage.getItem(FILLED))];
  const compact = variables.replace(/\s/g, "");
  return id.some((text) => compact === `{"orderId":${text}}`);
}

async function newestOrder(): Promise<string | undefined> {
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: NEWEST_ORDER }),
  });
  const body = (await answer.json()) as { data?: NewestOrderQuery };
  return body.data?.orders.nodes[0]?.id;
}
