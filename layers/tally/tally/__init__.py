"""Tally, the back office of a data marketplace: what its functions share, in packages by subject.

The subjects are access, catalog, ledger, activity, payouts and partners. The other packages are
what all subjects build on (kernel, aws, wire) and what connects them (intake, counting, http).
"""

import gc

# What imports make, stays: to look through it for garbage again and again takes a tenth of a start.
gc.set_threshold(20_000)
