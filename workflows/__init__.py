"""The durable story around the rules: what an order waits for and sets off. No rules, no I/O."""
