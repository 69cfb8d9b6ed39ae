"""Benchmarks: each runs on a stack of its own, proves its result by SQL, and compares with a
baseline measured in the same run. Numbers of one run compare; those of two machines do not."""
