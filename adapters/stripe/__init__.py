"""Stripe as payment provider: its API, and its webhooks as provider events."""
