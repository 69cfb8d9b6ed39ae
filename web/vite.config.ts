import { resolve } from "node:path";

import { defineConfig } from "vitest/config";

import { graphqlFiles } from "./build/graphql-files.ts";
import { licencesOfWorkers } from "./build/licences.ts";

const here = import.meta.dirname;

export default defineConfig({
  base: "/static/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [graphqlFiles(), licencesOfWorkers()],
  build: {
    outDir: resolve(here, "../api/static"),
    emptyOutDir: true,
    target: "es2022",
    license: { fileName: "licences.md" },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 5_000, // Monaco is what GraphiQL weighs
    rolldownOptions: {
      input: { desk: resolve(here, "index.html"), graphiql: resolve(here, "graphiql.html") },
      onLog(level, log, tell) {
        // React's packages mark modules for servers; here is none.
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") tell(level, log);
      },
    },
  },
  test: { include: ["src/**/*.test.ts"] },
});
