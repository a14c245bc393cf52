"""The command line: what people type, and what they see. What commands do to orders is in ``client``."""
