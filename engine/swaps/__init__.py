"""How an amount becomes another: paths over pools, divided or not, and transactions."""
