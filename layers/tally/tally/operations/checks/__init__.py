"""The scheduled checks: a sample of tenants' counters, the books, statements.

Each stores what it found. What was wrong is looked at first the next time, so a check that is
started by hand after a repair tells whether it helped.
"""
