"""Benchmarks: each against a named peer in the same run, and exact counters against a baseline."""
