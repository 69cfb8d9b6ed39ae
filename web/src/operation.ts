declare const types: unique symbol;

/** The text of an operation, which knows by its type what goes with it and what is answered. */
export type Operation<Data, Variables> = string & {
  readonly [types]: { data: Data; variables: Variables };
};
