"""What an order is: its types' rules, its statuses and steps, its events, what wakes it."""
