"""The deployed API keeps to its published document, whatever is sent: Schemathesis tries it.

Its requests are made from the document: examples, the limits of every parameter and field and what
is just beyond them, and random ones. The seed is fixed, so it sends the same each time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tests.builders import event
from tests.stack.client import Client, eventually

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("schemathesis")
MOST_SECONDS = 600
# A request that keeps to its schema may still break a rule that no schema can express.
UNTOLD = "positive_data_acceptance"
REFUSED = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]


@pytest.fixture
def named(client: Client) -> Mapping[str, str]:
    """A tenant with something to show: the ids that paths may have, its key and a spare one."""
    tenant_id, key = client.tenant()
    about = {"tenant_id": tenant_id, "dataset_id": f"{tenant_id}-d1"}
    created = event("dataset.created", "2024-01-01T00:00:00Z", id=str(uuid4()), **about)
    charge = event(
        "dataset.accessed",
        "2024-02-29T23:59:59Z",
        id=str(uuid4()),
        **about,
        kind="download",
        charged_amount="1.00",
        currency="USD",
    )
    admin = client.keys.admin_key
    client.call("POST", "/v1/events?backfill=true", admin, [created, charge])
    client.call("POST", "/v1/admin/payout-runs", admin, {"period": "2024-02"})
    eventually(lambda: client.call("GET", "/v1/provider/payouts", key)["total"], 1)
    (payout,) = client.call("GET", "/v1/provider/payouts", key)["payouts"]
    wanted = {"name": "Spare", "scopes": ["usage:read"]}
    spare = client.call("POST", "/v1/api-keys", key, wanted)
    return {
        **about,
        "key": key,
        "payout_id": payout["payout_statement_id"],
        "api_key_id": spare["api_key_id"],
    }


def test_what_a_tenant_gets_is_in_the_document(
    client: Client, named: Mapping[str, str], tmp_path: Path
) -> None:
    tried(client, named["key"], named, tmp_path, "--phases=examples,fuzzing", "--max-examples=20")


def test_what_the_platform_gets_is_in_the_document(
    client: Client, named: Mapping[str, str], tmp_path: Path
) -> None:
    """Also what is refused of it: wrong values, wrong methods and no credential."""
    phases = "--phases=examples,coverage,fuzzing", "--max-examples=10"
    tried(client, client.keys.admin_key, named, tmp_path, *phases)


def tried(client: Client, key: str, named: Mapping[str, str], folder: Path, *how: str) -> None:
    """Send what can be sent with the key; no answer may differ from the document."""
    settings = folder / "schemathesis.toml"
    settings.write_text(settings_of(named))
    url = client.stack.api_url
    ran = subprocess.run(  # noqa: S603  our own command
        [
            *(COMMAND, f"--config-file={settings}", "run", f"{url}/v1/openapi.json"),
            *(f"--url={url}", f"--header=X-API-Key:{key}", f"--exclude-checks={UNTOLD}"),
            *("--generation-deterministic", "--continue-on-failure", "--no-color"),
            *("--suppress-health-check=all", "--warnings=off", "--request-timeout=30", *how),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout


def settings_of(named: Mapping[str, str]) -> str:
    """Ids of things that exist, for half of the requests would only be answered with 404; and no
    ids that other answers mention: one could revoke the key that is used."""
    ids = {
        "GET /v1/provider/datasets/{id}/analytics": named["dataset_id"],
        "GET /v1/provider/payouts/{id}": named["payout_id"],
        "POST /v1/admin/payouts/{id}/status": named["payout_id"],
        "GET /v1/admin/tenants/{id}": named["tenant_id"],
        "PATCH /v1/admin/tenants/{id}": named["tenant_id"],
        "POST /v1/admin/tenants/{id}/api-keys": named["tenant_id"],
        "POST /v1/api-keys/{id}/rotate": named["api_key_id"],
        "DELETE /v1/api-keys/{id}": named["api_key_id"],
    }
    lines = ["[generation]", "with-security-parameters = false"]
    for phase in ("coverage", "fuzzing"):
        lines += [f"[phases.{phase}.extra-data-sources]", "responses = false"]
    # Where some events are rejected, the others are not.
    lines += ["[[operations]]", 'include-name = "POST /v1/events"']
    lines += [f"checks.negative_data_rejection.expected-statuses = {['207', *REFUSED]}"]
    for name, id_ in ids.items():
        lines += ["[[operations]]", f'include-name = "{name}"', f'parameters = {{ id = "{id_}" }}']
    return "\n".join(lines) + "\n"
