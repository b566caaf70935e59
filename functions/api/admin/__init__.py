"""The administrators' routes: tenants and their first API keys, payout runs, payout statuses.

They need a key with the scope `admin:*`.
"""
