"""The functions that run by the clock: payout runs start on the first of each month.

Starting one twice must do no harm.
"""
