"""The one exception that the developer tools show to a person."""


class OpsError(Exception):
    """What happened and what to do about it, in words to print as they are."""
