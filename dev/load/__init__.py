"""`make load`: sends the events of a made-up market and compares every number with the truth.

Here belong the market, the expected numbers, and what sends events and asks for results.
"""
