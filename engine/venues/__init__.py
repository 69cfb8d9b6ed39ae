"""Where swaps happen: the Venue protocol, routing among venues, the simulated ones."""
