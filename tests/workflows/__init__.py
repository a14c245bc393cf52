"""Workflows among outages, races and workers that come and go.

On the time-skipping server with fakes (``tests.stories.time_skipping``) or, in `conftest.py`, on the real one
with deadlines of moments.
"""
