"""The rules of organizations, usage and billing as pure functions and values.

Which days make up a range, what a billing period is and what it costs is decided here.
"""
