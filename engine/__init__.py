"""What is true of orders, swaps, pools and venues: no HTTP, GraphQL, queue or SQL."""
