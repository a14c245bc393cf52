"""Order webhooks, signed and sent to public addresses only."""
