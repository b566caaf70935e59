"""Datasets, their objects, and who provides them.

How their events combine, in whatever order they arrive, is in `model`; what they count for the
provider's dashboard is in `counters`. What an access to a dataset costs belongs to the ledger.
"""
