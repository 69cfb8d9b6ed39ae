import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

import type { Plugin } from "vite";

// Workers are bundled apart, and the list of licences that Vite makes leaves them out.
const IN_WORKERS = [
  "graphql",
  "graphql-language-service",
  "jsonc-parser",
  "monaco-editor",
  "monaco-graphql",
  "nullthrows",
  "picomatch-browser",
  "vscode-languageserver-types",
];
const NOTICE =
  "The charts are TradingView Lightweight Charts™, Copyright (c) TradingView, Inc. https://www.tradingview.com/";
const FONTS = "GraphiQL's style sheet holds the fonts Roboto (Apache-2.0) and Fira Code (OFL-1.1).";
const NAMES = /^(licen[cs]e|notice|thirdpartynotices)/i;

/** Put the licences of what only the workers hold, and of what they bring along, in the build. */
export function licencesOfWorkers(): Plugin {
  return {
    name: "licences-of-workers",
    generateBundle() {
      const parts = IN_WORKERS.map((name) => {
        const folder = resolve(import.meta.dirname, "../node_modules", name);
        const files = readdirSync(folder).filter((file) => NAMES.test(file));
        const texts = files.map((file) => readFileSync(resolve(folder, file), "utf8").trim());
        return `## ${name}\n\n${texts.join("\n\n")}`;
      });
      const source = `# Licences of packages in the workers\n\n${parts.join("\n\n")}\n\n${NOTICE}\n\n${FONTS}\n`;
      this.emitFile({ type: "asset", fileName: "licences-workers.md", source });
    },
  };
}
