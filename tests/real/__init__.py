"""What only the real server shows, its time skipped: the CLI and web UI, limits, outages, killed workers."""
