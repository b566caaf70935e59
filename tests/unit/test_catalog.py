"""Datasets and objects by any order of their events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tally.catalog.counters import ProviderTotals
from tally.catalog.model.datasets import Dataset, DatasetEvent, new_dataset
from tally.catalog.model.objects import CatalogObject, ObjectEvent, new_object, outlives
from tally.counting.registry import change, contribution
from tally.intake.cloudevents import read_event
from tally.kernel.counters import Deltas, rolled_up, total
from tally.kernel.versions import Version
from tests.histories import DATASETS, TENANT, Event, dashboard, histories

NOW = "2026-04-05T10:00:00.000000000Z"


def facts_of(history: Sequence[Event]) -> list[DatasetEvent | ObjectEvent]:
    facts = [read_event(event, NOW).fact for event in history]
    return [fact for fact in facts if isinstance(fact, DatasetEvent | ObjectEvent)]


def outcome(history: Sequence[Event]) -> tuple[dict[str, Dataset], list[CatalogObject]]:
    """Every event applied, in this order, with the last word of the datasets at the end."""
    datasets: dict[str, Dataset] = {}
    objects: dict[tuple[str, str], CatalogObject] = {}
    for fact in facts_of(history):
        if isinstance(fact, DatasetEvent):
            known = datasets.get(fact.dataset_id)
            if known is None and fact.kind.value == "created":
                known = new_dataset(fact)
            assert known is not None
            datasets[fact.dataset_id] = known.apply(fact)
        else:
            key = fact.dataset_id, fact.object_id
            objects[key] = objects.get(key, new_object(fact)).apply(fact)
    return datasets, [each.moved_to(datasets[each.dataset_id].deleted) for each in objects.values()]


def provider_fields(history: Sequence[Event]) -> dict[str, int]:
    datasets, objects = outcome(history)
    parts: list[Deltas] = [contribution(dataset) for dataset in datasets.values()]
    parts += [contribution(o) for o in objects if datasets[o.dataset_id].alive]
    sums = rolled_up(total(parts))
    return {field: sums[ProviderTotals(TENANT), field] for field in dashboard([])}


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_ends_in_what_the_rules_say(
    history: list[Event], random: Random
) -> None:
    created, rest = history[: len(DATASETS)], history[len(DATASETS) :]
    random.shuffle(rest)
    assert provider_fields(created + rest) == dashboard(history)


@given(histories(), st.randoms(use_true_random=False))
def test_order_of_arrival_leaves_no_trace_in_the_records(
    history: list[Event], random: Random
) -> None:
    created, rest = history[: len(DATASETS)], history[len(DATASETS) :]
    shuffled = random.sample(rest, len(rest))
    datasets, objects = outcome(created + shuffled)
    same_datasets, same_objects = outcome(history)
    assert datasets == same_datasets
    assert set(objects) == set(same_objects)


versions = st.none() | st.builds(
    Version,
    st.sampled_from(["2026-04-05T09:00:00.000000000Z", "2026-04-05T09:01:00.000000000Z"]),
    st.sampled_from([0, 4]),
    st.sampled_from(["a", "b"]),
    st.just("/test"),
)


@given(versions, versions, versions, versions, versions)
def test_an_object_outlives_a_deletion_if_moving_it_makes_another_one_that_exists(
    deletion: Version | None,
    uploaded: Version | None,
    previous: Version | None,
    deleted: Version | None,
    floor: Version | None,
) -> None:
    record = CatalogObject(
        "acme",
        "dset_1",
        "obj_1",
        uploaded=uploaded,
        previous=previous,
        deleted=deleted,
        floor=floor,
    )

    moved = record.moved_to(deletion)

    assert outlives(deletion, uploaded=uploaded, deleted=deleted, floor=floor) is (
        moved != record and moved.state is not None
    )


@given(histories())
def test_changes_sum_to_the_contribution_of_the_last_state(history: list[Event]) -> None:
    record: CatalogObject | None = None
    changes: Deltas = Counter()
    for fact in facts_of(history):
        if isinstance(fact, ObjectEvent):
            changed = (record or new_object(fact)).apply(fact)
            changes.update(change(record, changed))
            record = changed
    assert total([changes]) == contribution(record)


def test_a_replacement_of_an_approved_object_is_pending_review_again() -> None:
    history = histories_of("uploaded@1", "approved@2", "indexed@3", "uploaded@4")
    assert provider_fields(history)["pending_review"] == 1
    assert provider_fields(history)["active"] == 0


def test_what_was_said_before_a_first_upload_counts_from_the_upload_on() -> None:
    said = histories_of("approved@1", "indexed@2")
    assert provider_fields(said)["objects"] == 0
    assert provider_fields([*said, *histories_of("uploaded@3")[1:]])["active"] == 1


def test_an_object_uploaded_again_after_its_deletion_is_a_new_one() -> None:
    history = histories_of("uploaded@1", "approved@2", "deleted@3", "uploaded@4")
    assert provider_fields(history) == {
        "datasets": 1,
        "objects": 1,
        "bytes": 7,
        "pending_review": 1,
        "approved": 0,
        "rejected": 0,
        "active": 0,
    }


def test_at_equal_times_the_later_stage_wins() -> None:
    history = histories_of("indexed@1", "rejected@1", "approved@1", "uploaded@1")
    assert provider_fields(history)["rejected"] == 1
    assert provider_fields([*history, *histories_of("deleted@1")[1:]])["objects"] == 0


def histories_of(*steps: str) -> list[Event]:
    """`kind@minute` of object o1 in dataset d1, which was created before."""
    events: list[Event] = []
    for n, step in enumerate(("created@0", *steps)):
        kind, minute = step.split("@")
        noun = "dataset" if kind == "created" else "object"
        events.append(
            {
                "specversion": "1.0",
                "id": f"{kind}-{minute}-{n}",
                "source": "/test",
                "type": f"{noun}.{kind}",
                "time": f"2026-04-05T09:{int(minute):02}:00Z",
                "data": {
                    "tenant_id": TENANT,
                    "dataset_id": "d1",
                    "object_id": "o1",
                    "name": "One",
                    "size_bytes": 7,
                },
            }
        )
    return events
