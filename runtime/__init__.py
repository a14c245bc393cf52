"""What a process needs to start: its settings, its connections, and its adapters, wired.

What it then does is elsewhere.
"""
