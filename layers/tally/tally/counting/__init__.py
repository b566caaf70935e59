"""Counters: kept from the table's stream, each change counted once; recounted and repaired.

What a record adds to which counter is declared by its subject's `counted`. Changes that cannot be
counted are parked here until someone replays them.
"""
