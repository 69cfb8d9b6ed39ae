"""The three roots of the schema, and the schema they make."""
