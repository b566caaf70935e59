"""The rules of charges, refunds and double entries as pure functions and values.

Amounts are integers of micro-units. Of every charge and refund, debits and credits are equal.
"""
