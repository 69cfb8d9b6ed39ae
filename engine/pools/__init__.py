"""The exact integer maths of the pools: constant product (Raydium) and DLMM bins (Meteora)."""
