"""Partners: their organizations, what these use, and what a partner pays for it.

Usage is added up by day and month; a bill is worked out from it when a partner asks.
"""
