"""Taking events in: reading CloudEvents, from requests or from the bus, and accepting each once.

What an event changes is decided by its subject's `events`. Intake collects these in its registry
and writes everything of a request in as few transactions as possible.
"""
