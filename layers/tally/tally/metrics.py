"""The metrics of all functions: their names, and how a log line carries them.

CloudWatch takes them from the lines themselves (its embedded metric format): a metric is a field of
a line, and the line's `_aws` says which fields are metrics. Their namespace is the stack's name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from tally.kernel.instants import Instant, to_datetime


class Metric(StrEnum):
    """Each is published by one or two functions, and is on the dashboard or behind an alarm."""

    ACCEPTED = "accepted"
    DUPLICATES = "duplicates"
    REJECTED = "rejected"
    COUNTED = "counted"
    PARKED = "parked"
    LAG_S = "lag_s"
    RESCUED = "rescued"
    STATEMENTS = "statements"
    UNFINISHED_PAYOUTS = "unfinished_payouts"
    CANARY_PASSED = "canary_passed"
    CANARY_S = "canary_s"
    # What MeasureHealth finds, every five minutes.
    PARKED_RECORDS = "parked_records"
    FAILED_BATCHES = "failed_batches"
    OVERDUE_PAYOUTS = "overdue_payouts"
    DRIFT = "drift"
    UNBALANCED_CURRENCIES = "unbalanced_currencies"
    DIFFERING_STATEMENTS = "differing_statements"
    CHECK_AGE_S = "check_age_s"

    @property
    def unit(self) -> str:
        return "Seconds" if self.value.endswith("_s") else "Count"


def measured(now: Instant, values: Mapping[Metric, float], **by: str) -> dict[str, Any]:
    """The fields of a log line that publish metrics: their sums, and with `by`, also by each."""
    dimensions: list[list[str]] = [[], [*by]] if by else [[]]
    return {
        **{metric.value: value for metric, value in values.items()},
        **by,
        "_aws": {
            "Timestamp": int(to_datetime(now).timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": os.environ.get("METRICS_NAMESPACE", "tally"),
                    "Dimensions": dimensions,
                    "Metrics": [{"Name": each.value, "Unit": each.unit} for each in values],
                }
            ],
        },
    }
