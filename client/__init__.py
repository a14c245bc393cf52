"""How Python talks to orders and other workflows: place, signal, update, show. No HTTP, no rules."""
