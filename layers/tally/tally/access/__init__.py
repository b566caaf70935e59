"""Tenants, their API keys and scopes: who may call, and for whom.

Issuing, proving, listing and revoking keys belongs here. How a key arrives in a request does not.
"""
