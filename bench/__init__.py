"""Load and soak runs, by hand and with faults: `make bench` and its like.

What `make test` checks is in ``tests``.
"""
