"""The HTTP API and the pages: who may ask, and how it is said over HTTP. No rules of its own."""
