import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { stripIgnoredCharacters } from "graphql";
import type { Plugin } from "vite";

import { SCHEMA, writeOperationTypes } from "./operation-types.js";

const IMPORT = /^#import "(.+)"$/gm;

/**
 * Make `import text from "./x.graphql"` the document's text, with the files it `#import`s, and keep
 * its types those of the schema.
 */
export function graphqlFiles(): Plugin {
  return {
    name: "graphql-files",
    async buildStart() {
      this.addWatchFile(SCHEMA);
      await writeOperationTypes();
    },
    load(id) {
      if (!id.endsWith(".graphql")) return null;
      const text = stripIgnoredCharacters(withImports(id, (file) => this.addWatchFile(file)));
      return { code: `export default ${JSON.stringify(text)}`, map: null };
    },
  };
}

function withImports(path: string, seen: (file: string) => void): string {
  const text = readFileSync(path, "utf8");
  const imported = [...text.matchAll(IMPORT)].map((found) => {
    const file = resolve(dirname(path), found[1] ?? "");
    seen(file);
    return withImports(file, seen);
  });
  return [text, ...imported].join("\n");
}
