"""Refunds among faults and dying workers: planned, lived through, and every cent accounted for."""
