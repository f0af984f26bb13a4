"""Benchmarks: us, the peer and the floor in the same run."""
