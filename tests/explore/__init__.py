"""An exhaustive check of the rules: every message at every instant that matters, to a fixed point."""
