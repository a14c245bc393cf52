"""The system on one machine, `make up`: an embedded Temporal server, and processes that end together.

Nothing of production.
"""
