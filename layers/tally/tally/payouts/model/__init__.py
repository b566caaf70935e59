"""The rules of payouts as pure functions and values: amounts, fees, statuses, when a month ends."""
