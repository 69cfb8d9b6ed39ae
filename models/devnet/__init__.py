"""The devnet's chain in Postgres: ledger, pools, candles, and the slots that move them."""
