"""What is true of orders, swaps, pools and venues: pure, and knows nothing else of ours."""
