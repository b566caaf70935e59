"""Every five minutes: an event goes all the way, from the API over the stream to a dashboard."""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from urllib.parse import urljoin

from tally.aws.table import default_table
from tally.kernel.clock import current_instant
from tally.logs import logger, with_request_id
from tally.metrics import Metric, measured
from tally.operations.calls import Call, Reply, https_calls
from tally.operations.canary import TENANT_ID, run_canary
from tally.operations.probe import ProbeFailed, Prober, Timing

# Several steps may each wait so long before the function is stopped.
_PATIENCE_S = 60


@cache
def _api() -> Call:
    """The API of the stack; a path is on the local stack, wherever that is."""
    return https_calls(urljoin(os.environ.get("AWS_ENDPOINT_URL", ""), os.environ["API_URL"]))


def call_api(method: str, path: str, api_key: str, body: Any) -> Reply:
    return _api()(method, path, api_key, body)


@with_request_id
def handler(_event: dict[str, Any], _context: Any) -> None:
    prober = Prober(
        table=default_table(),
        platform_tenant_id=os.environ["PLATFORM_TENANT_ID"],
        tenant_id=TENANT_ID,
        call=call_api,
        timing=Timing(patience_s=_PATIENCE_S),
    )
    try:
        passed = run_canary(prober)
    except ProbeFailed as failure:
        failed = measured(current_instant(), {Metric.CANARY_PASSED: 0})
        logger.warning("canary failed", reason=str(failure), **failed)
    else:
        values = {Metric.CANARY_PASSED: 1, Metric.CANARY_S: round(passed.counted_s, 3)}
        logger.info("canary passed", **measured(current_instant(), values))
