"""What buyers see: their dashboard, spend, searches and accessed datasets.

Each route answers for the tenant of the API key.
"""
