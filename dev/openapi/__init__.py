"""The OpenAPI document and the JSON Schemas of the events, from the functions' own types.

Routes come from the template, and what they take and answer from their signatures; their examples
are answers to the demo's data. Nothing of this is imported by a function.
"""
