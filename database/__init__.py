"""Our own records in SQL: orders, ledger, outbox and lists, with their schema.

It rejects wrong writes, and decides nothing else.
"""
