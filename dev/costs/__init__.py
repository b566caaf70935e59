"""What Tally costs on AWS: prices, what the benchmark measured, and assumptions; makes
docs/costs.md."""
