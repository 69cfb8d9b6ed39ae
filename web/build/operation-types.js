// Plain JavaScript: `npm run check` runs this by itself, and Node 20 runs no TypeScript.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, relative, resolve } from "node:path";

import { plugin as typesOf } from "@graphql-codegen/typescript-operations";

// The generator takes the schema of its own graphql only, and Vite would import another build of it.
/** @type {typeof import("graphql")} */
const { Source, buildSchema, concatAST, parse, validate } = createRequire(import.meta.url)("graphql");

const WEB = resolve(import.meta.dirname, "..");
const SOURCES = resolve(WEB, "src");
const TARGET = resolve(WEB, "generated");
/** GraphiQL's examples are text for people; no page reads what they answer. */
const EXAMPLES = resolve(SOURCES, "graphiql/examples");

export const SCHEMA = resolve(WEB, "../schema.graphql");

const CONFIG = {
  scalars: { ID: "string", DateTime: "string", Decimal: "string" },
  strictScalars: true, // a scalar that is new must be named here
  skipTypename: true,
};

/**
 * Write the types of what the pages ask and of what they are answered, from schema.graphql and the
 * documents beside the code: `operations.ts` holds the types, `documents.d.ts` says which of them go
 * with the import of a document. Throws where a document is none that the schema takes.
 */
export async function writeOperationTypes() {
  const schema = buildSchema(readFileSync(SCHEMA, "utf8"));
  const documents = documentFiles().map((location) => ({
    location,
    document: parse(new Source(readFileSync(location, "utf8"), relative(WEB, location))),
  }));
  const wrong = validate(schema, concatAST(documents.map(({ document }) => document)));
  if (wrong.length) throw new Error(wrong.join("\n\n"));

  const types = await typesOf(schema, documents, CONFIG, { outputFile: "operations.ts" });
  const { prepend = [], content } = typeof types === "string" ? { content: types } : types;
  write("operations.ts", [...prepend, content].join("\n"));
  write("documents.d.ts", documents.map(declaration).join("\n"));
}

/** @returns {string[]} */
function documentFiles() {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .map((name) => resolve(SOURCES, name))
    .filter((path) => path.endsWith(".graphql") && !path.startsWith(EXAMPLES))
    .sort();
}

/**
 * Say what the import of a document is; a file of fragments alone is imported by documents only.
 * @param {{ location: string, document: import("graphql").DocumentNode }} file
 */
function declaration({ location, document }) {
  return document.definitions
    .flatMap((node) => (node.kind === "OperationDefinition" && node.name ? [node] : []))
    .map(({ name, operation }) => {
      const type = `${name?.value}${operation[0]?.toUpperCase()}${operation.slice(1)}`;
      return `declare module "*/${basename(location)}" {
  const operation: import("../src/operation").Operation<
    import("./operations").${type},
    import("./operations").${type}Variables
  >;
  export default operation;
}
`;
    })
    .join("");
}

/**
 * Leave a file alone that says this already: others go by its time.
 * @param {string} name
 * @param {string} text
 */
function write(name, text) {
  const path = resolve(TARGET, name);
  mkdirSync(TARGET, { recursive: true });
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

if (process.argv[1] === import.meta.filename) await writeOperationTypes();
