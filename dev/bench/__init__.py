"""`make bench`: what Tally costs in calls, units, CPU and time. See docs/benchmarks.md.

Here belong the measurements, what they measure with, and the report of their figures.
"""
