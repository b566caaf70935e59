"""What providers are paid: monthly statements, the runs that make them, payment, reserves.

A statement is made once from the ledger and never changes. The amounts are in `model`, the stored
items in `keys` and `items`; each other module is one thing that happens to a statement.
"""
