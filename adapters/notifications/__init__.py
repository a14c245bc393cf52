"""Notifications in words, and the channels that carry them: mail, and everything that Apprise knows."""
