"""The world behind the activities' Protocols, a folder for each outside world.

No rules; our own SQL is in ``database``.
"""
