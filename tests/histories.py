"""Histories of datasets and objects: Hypothesis strategies, and a slow model that rules on them.

The model reads DESIGN.md's rules off the whole set of events; it shares no code with the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

RANKS = {"uploaded": 0, "approved": 1, "rejected": 2, "indexed": 3, "deleted": 4}
DATASET_RANKS = {"created": 0, "updated": 1, "deleted": 4}
TENANT = "acme"
DATASETS = ("d1", "d2")
OBJECTS = ("o1", "o2", "o3")

type Event = dict[str, Any]


@st.composite
def histories(draw: st.DrawFn, *, most: int = 25) -> list[Event]:
    """Events of two datasets with three objects each, in order of arrival; times are few, so that
    ties, late events and returns after a deletion are common."""
    kinds = st.one_of(
        st.tuples(st.sampled_from(sorted(DATASET_RANKS)), st.none()),
        st.tuples(st.sampled_from(sorted(RANKS)), st.sampled_from(OBJECTS)),
        st.tuples(st.sampled_from(["uploaded", "approved", "indexed"]), st.sampled_from(OBJECTS)),
    )
    drawn = draw(
        st.lists(
            st.tuples(kinds, st.sampled_from(DATASETS), st.integers(0, 9), st.integers(0, 99)),
            max_size=most,
        )
    )
    first = [(("created", None), dataset, 0, 0) for dataset in DATASETS]
    return [
        _event(n, kind, dataset, object_id, minute, number)
        for n, ((kind, object_id), dataset, minute, number) in enumerate([*first, *drawn])
    ]


def _event(  # noqa: PLR0917  what was drawn, one by one
    n: int, kind: str, dataset: str, object_id: str | None, minute: int, number: int
) -> Event:
    data: Event = {"tenant_id": TENANT, "dataset_id": dataset}
    if object_id is not None:
        data["object_id"] = object_id
    if kind in ("created", "updated"):
        data["name"] = f"Name {number}"
    if kind == "uploaded":
        data["size_bytes"] = number
    return {
        "specversion": "1.0",
        "id": f"e{n:03}",
        "source": "/test",
        "type": f"{'dataset' if object_id is None else 'object'}.{kind}",
        "time": f"2026-04-05T09:{minute:02}:00Z",
        "data": data,
    }


def version(event: Event) -> tuple[str, int, str]:
    noun, kind = event["type"].split(".")
    rank = (DATASET_RANKS if noun == "dataset" else RANKS)[kind]
    return event["time"], rank, event["id"]


def dashboard(accepted: Sequence[Event], datasets: Sequence[str] = DATASETS) -> dict[str, int]:
    """What the provider's dashboard must say after these events, in whatever order they came."""
    result = dict.fromkeys(
        ("datasets", "objects", "bytes", "pending_review", "approved", "rejected", "active"), 0
    )
    for dataset in datasets:
        own = [e for e in accepted if e["data"]["dataset_id"] == dataset]
        of_dataset = [e for e in own if e["type"].startswith("dataset.")]
        if not of_dataset or max(of_dataset, key=version)["type"] == "dataset.deleted":
            continue
        result["datasets"] += 1
        deletions = [e for e in of_dataset if e["type"] == "dataset.deleted"]
        for object_id in sorted({e["data"]["object_id"] for e in own if "object_id" in e["data"]}):
            said = [e for e in own if e["data"].get("object_id") == object_id]
            for field, amount in _object(said, deletions).items():
                result[field] += amount
    return result


def _object(said: Sequence[Event], dataset_deletions: Sequence[Event]) -> dict[str, int]:
    ends = [e for e in said if e["type"] == "object.deleted"] + list(dataset_deletions)
    end = max(map(version, ends), default=("", 0, ""))
    life = sorted((e for e in said if version(e) > end), key=version)
    uploads = [e for e in life if e["type"] == "object.uploaded"]
    if not uploads:
        return {}
    if len(uploads) > 1:  # replaced: what was said of what it replaced is void
        life = life[life.index(uploads[-1]) :]
    verdicts = [e["type"] for e in life if e["type"] in ("object.approved", "object.rejected")]
    review = verdicts[-1].partition(".")[2] if verdicts else "pending_review"
    indexed = any(e["type"] == "object.indexed" for e in life)
    return {
        "objects": 1,
        "bytes": uploads[-1]["data"]["size_bytes"],
        review: 1,
        "active": int(review == "approved" and indexed),
    }
