"""What an operator runs: the `tally` command.

Its commands only read arguments and print; the work itself is in the layer, where a function can
use it as well.
"""
