"""The stories of `make demo`, lived through by public messages only.

Tests, benches and the documentation tell theirs in the same verbs.
"""
