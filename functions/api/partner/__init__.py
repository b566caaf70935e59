"""What partners see: analytics, usage, billing and their organizations.

These routes answer without the envelope of the others, and with camelCase fields.
"""
