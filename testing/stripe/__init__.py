"""Stripe for tests and the soak: localstripe behind a front as strict as the real one, with faults."""
