"""What every subject uses: instants, months, money, versions, keys, counters, errors.

Only pure code belongs here: standard library, no AWS, no HTTP. What one subject alone uses belongs
to that subject.
"""
