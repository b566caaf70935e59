"""`make bench`: what Tally costs, in calls, units, CPU and time. See docs/benchmarks.md."""
