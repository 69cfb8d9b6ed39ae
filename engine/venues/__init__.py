"""Where swaps happen: the Venue protocol and the simulated venues of the devnet."""
