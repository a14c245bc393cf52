"""The gateway over HTTP, before the real server and a worker, both in the process of the tests."""
