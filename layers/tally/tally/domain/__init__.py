"""What Tally knows, in pure standard-library Python: no AWS, no HTTP, no clock of its own."""
