"""Tenants, API keys, scopes and callers, and how a key is hashed. Standard library only."""
