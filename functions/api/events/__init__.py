"""The route that takes events.

Events from the bus come in through `triggers/queues/receive_events`.
"""
