"""What an order costs, side by side with skeletons: `make bench`.

Everything is measured on Temporal's dev server on a file, as `make up` starts it, each subject with a server,
a database and workers of its own, in turns.
"""
