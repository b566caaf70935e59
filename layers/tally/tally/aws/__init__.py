"""The AWS services that Tally calls: the single table, its transactions and pages, and queues.

Nothing here knows a subject of Tally's; every subject stores its items through this package.
"""
