"""What workflows do to the world, a class for each duty.

Also the Protocols that adapters implement, and what is passed to them. No provider, no SQL.
"""
