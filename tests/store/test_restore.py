"""`tally restore`: a new table with all settings, checked, and put in use or deleted."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dev.template import template
from ops import restore
from ops.cli import parser
from ops.deployment import Deployment
from ops.errors import OpsError
from ops.restore import Restoring, restore_table
from tally.aws.table import Table
from tally.catalog.items import listed_datasets_pk
from tally.kernel.keys import Key
from tests.builders import event
from tests.store.recounts import count_everything
from tests.world import World

pytestmark = pytest.mark.slow

TABLE = template()["Resources"]["Table"]["Properties"]
NEVER_COUNTED = event("object.uploaded", object_id="o9", size_bytes=5)


@pytest.fixture
def deployed(world: World, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A counted world, with the template's settings; one change is still on its way."""
    monkeypatch.setattr("tally.counting.repair._database_clock", Ticks())
    count_everything(world)
    world.send(NEVER_COUNTED)
    client, name = world.table.client, world.table.name
    client.update_time_to_live(
        TableName=name, TimeToLiveSpecification=TABLE["TimeToLiveSpecification"]
    )
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification=TABLE["PointInTimeRecoverySpecification"],
    )
    client.update_table(TableName=name, DeletionProtectionEnabled=True)
    return Deployment(world.table, {}, None, None)


class Ticks:
    """The database's clock: a minute goes by whenever somebody looks."""

    def __init__(self) -> None:
        self.now = 1_775_383_200.0

    def __call__(self, _: Table) -> float:
        self.now += 60
        return self.now


def asked(**arguments: Any) -> Namespace:
    return Namespace(**{"at": None, "name": "restored", "drill": False, "pause": 0} | arguments)


def settings(client: Any, name: str) -> dict[str, Any]:
    table = client.describe_table(TableName=name)["Table"]
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return {
        "keys": table["KeySchema"],
        "indexes": [index["IndexName"] for index in table["GlobalSecondaryIndexes"]],
        "stream": table["StreamSpecification"]["StreamViewType"],
        "protected": table["DeletionProtectionEnabled"],
        "expiry": (expiry["TimeToLiveStatus"], expiry.get("AttributeName")),
        "backups": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
    }


def test_the_restored_table_has_the_settings_of_its_source_and_is_right(
    world: World, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    client: Any = world.table.client

    assert restore_table(deployed, asked()) == 0

    assert settings(client, "restored") == settings(client, world.table.name)
    assert settings(client, "restored")["stream"] == TABLE["StreamSpecification"]["StreamViewType"]
    shown = capsys.readouterr().out
    stream = client.describe_table(TableName="restored")["Table"]["LatestStreamLabel"]
    # An object, its size and its review, of the dataset and of its provider: no stream will ever
    # bring them.
    assert "acme: drift 6\n" in shown
    assert "  repaired 6\n" in shown
    assert "the books balance.\n" in shown
    assert shown.endswith(
        "The restored table is right.\n"
        "To use it, put these into the stack's parameter_overrides and deploy:\n"
        f"  RestoredTable=restored\n  RestoredTableStream={stream}\n"
    )


def test_what_was_not_counted_is_counted_in_the_restored_table_and_only_there(
    world: World, deployed: Deployment
) -> None:
    """And its old record, replayed later, is not counted again."""
    with world.unchanged():
        restore_table(deployed, asked())
    on_its_way = world.new_stream_records()

    world.table = replace(world.table, name="restored")
    assert world.get("/v1/provider/dashboard", "acme")["total_objects"] == 2
    world.redeliver(on_its_way)
    assert world.get("/v1/provider/dashboard", "acme")["total_objects"] == 2
    world.send(event("object.uploaded", object_id="o10", size_bytes=1))


def test_a_list_that_lacks_something_is_corrected_in_the_restored_table(
    world: World, deployed: Deployment
) -> None:
    """Of the last transactions, a restoration may have a part."""
    places = list(world.table.query(listed_datasets_pk("acme")))
    assert places
    for place in places:
        world.table.write(world.table.delete(Key(place["PK"], place["SK"])))

    restore_table(deployed, asked())

    restored = replace(world.table, name="restored")
    assert list(restored.query(listed_datasets_pk("acme"))) == places


def test_a_drill_leaves_nothing_behind(
    world: World, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore_table(deployed, asked(name=None, drill=True)) == 0

    client: Any = world.table.client
    assert client.list_tables()["TableNames"] == [world.table.name]
    assert f"{world.table.name}-20" in capsys.readouterr().out.splitlines()[-1]


def test_a_restored_table_that_is_wrong_says_so(world: World, deployed: Deployment) -> None:
    """A statement that no longer equals the ledger cannot be repaired."""
    world.run_payouts("2026-03")
    world.import_history(
        event(
            "dataset.accessed",
            "2026-03-05T09:30:00Z",
            kind="download",
            charged_amount="1.00",
            currency="USD",
        )
    )
    world.run_payouts("2026-03")
    (key,) = (
        {"PK": i["PK"], "SK": i["SK"]}
        for i in world.items()
        if "DEBIT#" in i["SK"]["S"] and "2026-03" in i["PK"]["S"]
    )
    world.table.client.delete_item(TableName=world.table.name, Key=key)

    assert restore_table(deployed, asked()) == 1


def test_a_table_that_cannot_be_restored(world: World) -> None:
    missing = Deployment(replace(world.table, name="none"), {}, None, None)

    with pytest.raises(OpsError, match=r"^none cannot be restored: .*Source table not found"):
        restore_table(missing, asked())


def test_a_restoration_is_waited_for() -> None:
    class Slow:
        """A table that is there at the third look."""

        looks = 0

        def describe_table(self, **_: Any) -> Any:
            self.looks += 1
            return {"Table": {"TableStatus": "ACTIVE" if self.looks == 3 else "CREATING"}}

    waited: list[float] = []
    Restoring(Slow(), "table", "restored", waited.append).wait()
    assert waited == [15, 15]

    Slow.looks = 3
    with pytest.raises(OpsError, match="restored is not there after a day"):
        Restoring(Slow(), "table", "restored", waited.append).wait()
    assert sum(waited) == 30 + 24 * 3600


def test_the_time_is_one_of_a_zone(capsys: pytest.CaptureFixture[str]) -> None:
    parsed = parser().parse_args(["restore", "--at", "2026-04-05T09:30:00Z"])
    assert parsed.at == datetime(2026, 4, 5, 9, 30, tzinfo=UTC)
    assert parsed.run is restore.restore_table

    for text, reason in (
        ("yesterday", "yesterday is not a time such as 2026-04-05T09:30:00Z"),
        ("2026-04-05T09:30:00", "2026-04-05T09:30:00 has no time zone; add Z for UTC"),
    ):
        with pytest.raises(SystemExit):
            parser().parse_args(["restore", "--at", text])
        assert reason in capsys.readouterr().err
