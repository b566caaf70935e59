"""The Lambda functions: `api` has one for each route, `triggers` those that AWS invokes itself.

A function connects a request or a message to the layer. It holds no rules, and imports no other
function.
"""
