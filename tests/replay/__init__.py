"""Recorded histories, decided once more; without any server."""
