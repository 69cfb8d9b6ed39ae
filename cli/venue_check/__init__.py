"""Holds a venue to the promises of the protocol."""
