"""The edge: Starlette app, Strawberry schema, resolvers, subscriptions, served pages."""
