"""What buyers did: searches and accesses, each a record, and the buyer's lists of them.

An event becomes a record here and a charge in the ledger, in one transaction. What was searched for
is an item apart, which expires and can be erased.
"""
