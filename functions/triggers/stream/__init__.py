"""The function that follows the table's stream and keeps the counters.

Everything that happens because an item changed belongs here, not in the request that changed it.
"""
