"""Commands for people: up, api, worker, clock, migrate, order, export-schema."""
