"""The gateway under load, and under requests that are generated from its own description."""
