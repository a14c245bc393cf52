"""The tests, a folder for each package; `real`, `stories` and `replay` test across them."""
