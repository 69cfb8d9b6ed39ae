"""The simulated chain: its pools at the start, its market, and what a slot does. No I/O."""
