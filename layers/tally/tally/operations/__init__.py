"""What operators need beside the commands: checks that a deployed Tally works, from the outside.

Above all subjects, beside `http`: functions and the `tally` command import it, nothing else does.
"""
