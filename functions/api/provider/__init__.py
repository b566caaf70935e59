"""What providers see: their dashboard, the analytics of a dataset, their payout statements.

Each route answers for the tenant of the API key.
"""
