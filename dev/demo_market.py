"""Who trades in the demo's marketplace, and with what: providers with datasets, and buyers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from dev.demo_api import Said
from tally.kernel.money import Micros

MARITIME, FILINGS, CLIMATE = "demo-maritime", "demo-filings", "demo-climate"
RESEARCH, INSURER, TRADER = "demo-research", "demo-insurer", "demo-trader"

NEVER = 10_000
"""A day after every year's end: what is sold from then on is in the catalog since lately."""


class Provider(NamedTuple):
    """`fee_rate` as in requests."""

    tenant_id: str
    name: str
    fee_rate: str


class Buyer(NamedTuple):
    """One that buys from a day of the year on; who weighs twice as much buys twice as much."""

    tenant_id: str
    name: str
    weight: int
    since: int


class States(NamedTuple):
    """How many of a dataset's objects are in which state; those indexed are approved, too."""

    pending: int
    approved: int
    rejected: int
    indexed: int

    @property
    def objects(self) -> int:
        return self.pending + self.approved + self.rejected


class Dataset(NamedTuple):
    """One that is sold from a day of the year on: `price` for a retrieval, four times as much for
    a download. `words` are what its buyers search for; `size` is in bytes for each object."""

    tenant_id: str
    dataset_id: str
    name: str
    since: int
    weight: int
    price: Micros
    states: States
    size: int
    words: Sequence[str] = ()


PROVIDERS: Sequence[Provider] = (
    Provider(MARITIME, "Fathom Maritime Data", "0.30"),
    Provider(FILINGS, "Ledgerline Filings", "0.25"),
    Provider(CLIMATE, "Isobar Climate", "0.30"),
)
BUYERS: Sequence[Buyer] = (
    Buyer(RESEARCH, "Quayside Research", 5, 0),
    Buyer(INSURER, "Tessellate Insurance", 3, 0),
    Buyer(TRADER, "Brightwater Trading", 4, 110),
)
TENANTS: Sequence[str] = [
    *(provider.tenant_id for provider in PROVIDERS),
    *(buyer.tenant_id for buyer in BUYERS),
]
# A provider's first dataset is there from the first day on; the last two are not on sale.
DATASETS: Sequence[Dataset] = (
    Dataset(
        *(MARITIME, "dset_vessels", "Vessel Positions", 0, 16, 3_900_000),
        *(States(3, 27, 1, 26), 96_636_764),
        (
            "tankers waiting off Fujairah",
            "vessels that went dark near Kerch",
            "speed in the Channel",
        ),
    ),
    Dataset(
        *(MARITIME, "dset_port_calls", "Port Calls Europe", 58, 16, 5_200_000),
        *(States(2, 16, 2, 15), 18_874_368),
        ("berth waiting times in Rotterdam", "first calls of new operators", "strikes in ports"),
    ),
    Dataset(
        *(MARITIME, "dset_bunker", "Bunker Fuel Prices", 121, 10, 6_900_000),
        *(States(0, 12, 0, 12), 2_097_152),
        ("low-sulphur fuel in Singapore", "spread between Houston and Antwerp"),
    ),
    Dataset(
        *(MARITIME, "dset_containers", "Container Rates", 197, 14, 5_800_000),
        *(States(4, 14, 1, 12), 5_242_880),
        ("spot rates Shanghai to Hamburg", "rates before the new year", "empty boxes"),
    ),
    Dataset(
        *(FILINGS, "dset_filings", "Company Filings", 0, 22, 3_200_000),
        *(States(1, 24, 2, 24), 6_710_886),
        ("going-concern doubts in retail", "change of auditor", "covenants under pressure"),
    ),
    Dataset(
        *(FILINGS, "dset_rulings", "Court Rulings", 0, 9, 4_400_000),
        *(States(0, 19, 3, 17), 1_572_864),
        ("force majeure in supply contracts", "damages for late delivery"),
    ),
    Dataset(
        *(FILINGS, "dset_patents", "Patent Families", 149, 8, 5_500_000),
        *(States(6, 10, 0, 8), 10_485_760),
        ("solid-state batteries with sulfides", "patents about to lapse"),
    ),
    Dataset(
        *(CLIMATE, "dset_weather", "Daily Weather Grid", 0, 18, 1_900_000),
        *(States(0, 21, 0, 21), 134_217_728),
        ("frost nights in Burgundy", "wind over the North Sea", "rain days in the Po valley"),
    ),
    Dataset(
        *(CLIMATE, "dset_soil", "Soil Moisture", 83, 7, 3_400_000),
        *(States(2, 9, 1, 8), 41_943_040),
        ("dry soils in Castile", "saturated fields before harvest"),
    ),
    Dataset(
        *(MARITIME, "dset_arctic", "Arctic Routes", NEVER, 0, 0),
        *(States(9, 0, 0, 0), 12_582_912),
    ),
    Dataset(
        *(CLIMATE, "dset_crops", "Crop Yields", NEVER, 0, 0),
        *(States(0, 0, 0, 0), 0),
    ),
)
LICENSED = DATASETS[0]
"""Whose whole archive was licensed once, and given back."""
_WITHDRAWN = "dset_pilot"


def catalog(first: date, days: int) -> Iterator[Said]:
    """Every dataset with its objects, in a year that begins on this day and has so many days."""
    for dataset in DATASETS:
        day = first + timedelta(days=min(dataset.since, days - 3))
        subject = {"tenant_id": dataset.tenant_id, "dataset_id": dataset.dataset_id}
        named = subject | {"name": dataset.name}
        yield Said("dataset.created", dataset.dataset_id, named, f"{day}T00:00:00Z")
        for n in range(dataset.states.objects):
            yield from _object(dataset, n, day)
    yield from _changes(first)


def _object(dataset: Dataset, n: int, day: date) -> Iterator[Said]:
    subject = {"tenant_id": dataset.tenant_id, "dataset_id": dataset.dataset_id}
    thing = subject | {"object_id": f"obj_{n:05}"}
    one, size = f"{dataset.dataset_id}-{n:05}", dataset.size * (80 + n * 7 % 41) // 100
    yield Said("object.uploaded", one, thing | {"size_bytes": size}, f"{day}T00:00:01Z")
    if n < dataset.states.approved:
        yield Said("object.approved", one, thing, f"{day}T00:00:02Z")
    elif n < dataset.states.approved + dataset.states.rejected:
        yield Said("object.rejected", one, thing, f"{day}T00:00:02Z")
    if n < dataset.states.indexed:
        yield Said("object.indexed", one, thing, f"{day}T00:00:03Z")


def _changes(first: date) -> Iterator[Said]:
    """A dataset gets its present name; another is withdrawn; an object is taken back."""
    renamed, later = DATASETS[4], f"{first}T00:01:00Z"
    subject: dict[str, Any] = {"tenant_id": renamed.tenant_id, "dataset_id": renamed.dataset_id}
    name = f"{renamed.name} Worldwide"
    yield Said("dataset.updated", renamed.dataset_id, subject | {"name": name}, later)
    thing, size = subject | {"object_id": "obj_withdrawn"}, {"size_bytes": renamed.size}
    yield Said("object.uploaded", "withdrawn", thing | size, f"{first}T00:00:30Z")
    yield Said("object.deleted", "withdrawn", thing, later)
    pilot = {"tenant_id": FILINGS, "dataset_id": _WITHDRAWN}
    named = pilot | {"name": "Insolvencies (pilot)"}
    yield Said("dataset.created", _WITHDRAWN, named, f"{first}T00:00:00Z")
    yield Said("dataset.deleted", _WITHDRAWN, pilot, later)
