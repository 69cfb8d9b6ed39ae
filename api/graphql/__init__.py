"""The vocabulary of the schema: types, inputs, scalars, errors, and a request's context."""
