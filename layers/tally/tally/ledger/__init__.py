"""Charges and refunds as double entries: who owes how much to whom, month by month.

Posting, reading and checking the books belongs here. What a buyer did to be charged belongs to
`activity`, and how providers are paid to `payouts`.
"""
