"""Tracking numbers: the carriers' rules for them, those in use, and a service that knows parcels."""
