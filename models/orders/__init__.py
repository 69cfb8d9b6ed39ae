"""Orders and their events: the tables, the statements, the store."""
