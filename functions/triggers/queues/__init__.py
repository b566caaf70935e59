"""The functions that take messages from a queue: events from the bus, payouts to be made.

A message that fails returns to its queue alone; the rest of its batch is done.
"""
