"""Orders lived through on the time-skipping server with fakes: 20 days take milliseconds."""
