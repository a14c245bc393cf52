"""The rules: each noun's model and what changes it. Pure: no I/O, no clock, no chance, no Temporal."""
