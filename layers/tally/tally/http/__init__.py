"""What the routes of the API share: credentials, validation, envelopes, errors, cursors, lists.

A function declares an `Endpoint` and one route. Only this package and the functions know HTTP.
"""
