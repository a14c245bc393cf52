"""What stands in on one machine for what production has elsewhere: provider, dispute system, channel."""
