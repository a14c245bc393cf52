"""The pages: HTML of what the API offers, and how people sign in to it."""
