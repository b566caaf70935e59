"""Random events of a small world, in which everything that can meet meets often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from tally.kernel.instants import Instant, for_display, plus
from tests.spending import BUYERS, OWNERS, micros_of, text_of

type Event = dict[str, Any]

SOURCE = "/test"
# Owners of datasets that come and go. "ada" also buys, "acme" is also a partner.
CATALOG: Mapping[str, str] = {"c1": "acme", "c2": "acme", "c3": "north"}
OBJECTS = tuple(f"o{n}" for n in range(1, 10))
PARTNERS = ("acme", "globex")
ORGANIZATIONS = ("org_1", "org_2")
TENANTS = tuple(dict.fromkeys([*BUYERS, *OWNERS.values(), *CATALOG.values(), *PARTNERS]))

_MOST_LATE = 6
_USAGE_KINDS = ("identification.recorded", "identification.recorded", "usage.recorded")


@dataclass(frozen=True, slots=True)
class Sent:
    """An event and who sends it: a tenant, or None for the platform."""

    event: Event
    sender: str | None = None
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Subjects:
    """What is spoken of, and how often: subject -> weight. `catalog` are datasets that come and
    go, and `of_datasets` and `of_objects` what is said of them."""

    weights: Mapping[str, int]
    catalog: Sequence[str] = tuple(CATALOG)
    objects: Sequence[str] = OBJECTS[:3]
    of_datasets: Sequence[str] = ("deleted", "created", "updated", "updated")
    of_objects: Sequence[str] = (
        *("uploaded", "uploaded", "approved", "indexed", "indexed", "rejected", "deleted"),
    )


@dataclass(slots=True)
class Historian:
    """Makes events up."""

    random: Random
    subjects: Subjects
    numbers: int = 0
    made: list[Sent] = field(default_factory=list)
    charges: list[Event] = field(default_factory=list)

    def requests(self, events: int, times: Sequence[Instant]) -> list[list[Sent]]:
        """Requests of some events each, one after the other at these times, or a little late.
        What is sent twice is the same."""
        found: list[list[Sent]] = []
        done = 0
        while done < events:
            size = min(events - done, self.random.randint(1, 6))
            present = len(times) * done // events
            done += size
            request = [self._event(times[: present + 1]) for _ in range(size)]
            if self.made and self.random.random() < 0.3:
                again = self.random.choices(self.made, k=self.random.randint(1, 3))
                request = [*request, *again]
                self.random.shuffle(request)
            found.append(request)
        return found

    def uploads(self, dataset: str, time: Instant) -> list[list[Sent]]:
        """A dataset that was just named, with objects."""
        of = {"tenant_id": CATALOG[dataset], "dataset_id": dataset}
        return [
            [
                Sent(self._new("dataset.created", time, **of, name="N")),
                *(
                    Sent(self._new("object.uploaded", time, **of, object_id=each, size_bytes=n))
                    for n, each in enumerate(self.subjects.objects)
                ),
            ]
        ]

    def late_deletion(self, dataset: str, deleted: Instant, time: Instant) -> list[list[Sent]]:
        """Of a dataset whose objects are being indexed: they are newer than the deletion."""
        of = {"tenant_id": CATALOG[dataset], "dataset_id": dataset}
        return [
            [Sent(self._new("dataset.deleted", deleted, **of))],
            *(
                [Sent(self._new("object.indexed", time, **of, object_id=each))]
                for each in self.subjects.objects
            ),
        ]

    def imports(self, events: int, months: Sequence[str]) -> list[Sent]:
        """Charges of past months, as a platform moves in."""
        times = [f"{month}-{day:02}T12:00:00Z" for month in months for day in (1, 15)]
        return [
            Sent(self._remembered(self._charge(self.random.choice(times))), backfill=True)
            for _ in range(events)
        ]

    def _event(self, times: Sequence[Instant]) -> Sent:
        makers: Mapping[str, Callable[[str], Sent]] = {
            "catalog": self._catalog,
            "charges": lambda time: Sent(self._charge(time)),
            "refunds": lambda time: Sent(self._refund(time)),
            "portfolio": self._portfolio,
        }
        """`times`: up to the present one."""
        weights = self.subjects.weights
        (subject,) = self.random.choices(list(weights), list(weights.values()))
        sent = makers[subject](for_display(self.random.choice(times[-_MOST_LATE:])))
        if self.made and self.random.random() < 0.02:  # under an id that another event has
            other = self.random.choice(self.made)
            sent = Sent({**sent.event, "id": other.event["id"]}, sent.sender)
        self._remembered(sent.event)
        self.made.append(sent)
        return sent

    def _remembered(self, event: Event) -> Event:
        if event["type"] in ("search.performed", "dataset.accessed"):
            self.charges.append(event)
        return event

    # ------------------------------------------------------------------ subjects

    def created(self, owners: Mapping[str, str], time: Instant) -> list[Sent]:
        """The datasets as they begin."""
        return [
            Sent(self._new("dataset.created", time, tenant_id=owner, dataset_id=dataset, name="N"))
            for dataset, owner in owners.items()
        ]

    def organized(self, time: Instant) -> list[Sent]:
        return [
            Sent(self._new("organization.created", time, **_of(partner, each), name="N"))
            for partner in PARTNERS
            for each in ORGANIZATIONS
        ]

    def _catalog(self, time: str) -> Sent:
        dataset = self.random.choice(self.subjects.catalog)
        data: Event = {"tenant_id": CATALOG[dataset], "dataset_id": dataset}
        number = self.random.randint(0, 99)
        if self.random.random() < 0.3:
            kind = self.random.choice(self.subjects.of_datasets)
            named = {} if kind == "deleted" else {"name": f"Name {number}"}
            return Sent(self._new(f"dataset.{kind}", time, **data, **named))
        kind = self.random.choice(self.subjects.of_objects)
        sized = {"size_bytes": number} if kind == "uploaded" else {}
        object_id = self.random.choice(self.subjects.objects)
        return Sent(self._new(f"object.{kind}", time, **data, object_id=object_id, **sized))

    def _portfolio(self, time: str) -> Sent:
        partner, number = self.random.choice(PARTNERS), self.random.randint(0, 9)
        sender = self.random.choice([None, partner])
        of = _of(partner, self.random.choice(ORGANIZATIONS))
        if self.random.random() < 0.4:
            kind = self.random.choice(["created", "updated", "updated", "deleted"])
            said: Event = {} if kind == "deleted" else {"name": f"Name {number}"}
            if said and number % 3:
                said["status"] = ("active", "suspended", "canceled")[number // 3 - 1]
            return Sent(self._new(f"organization.{kind}", time, **of, **said), sender)
        kind = self.random.choice(_USAGE_KINDS)
        if kind == "usage.recorded":
            return Sent(self._new(kind, time, **of, kind="page_view", quantity=number), sender)
        counted = {"quantity": number} if number % 2 else {}
        credits_used = {"credits": number * 2} if number % 3 else {}
        return Sent(self._new(kind, time, **of, **counted, **credits_used), sender)

    def _charge(self, time: str) -> Event:
        buyer = self.random.choice(list(BUYERS))
        amount = self.random.choice([0, 1, 7, 10**6, self.random.randint(0, 10**9)])
        datasets = [*OWNERS, *self.subjects.catalog]
        data: Event = {
            "tenant_id": buyer,
            "charged_amount": text_of(amount),
            "currency": BUYERS[buyer] if self.random.random() < 0.97 else "CHF",
        }
        if self.random.random() < 0.5:
            data |= {"dataset_id": self.random.choice(datasets), "kind": "download"}
            return self._new("dataset.accessed", time, **data)
        some = self.random.sample(datasets, self.random.randint(1, len(datasets)))
        text = f"invoices {self.numbers}"
        data |= {"query_text": text, "dataset_ids": some, "result_count": 3}
        if self.random.random() < 0.1:
            data["search_activity_id"] = f"sa_{self.random.randint(1, 3)}"
        return self._new("search.performed", time, **data)

    def _refund(self, time: str) -> Event:
        if not self.charges:
            return self._charge(time)
        of = self.random.choice(self.charges[-12:])
        whole = micros_of(of["data"]["charged_amount"])
        amount = self.random.choice([1, whole // 3, whole // 2, whole, whole, whole + 1])
        buyer = of["data"]["tenant_id"]
        return self._new(
            "charge.refunded",
            time,
            tenant_id=buyer,
            charge_event={"source": SOURCE, "id": of["id"]},
            amount=text_of(min(amount, 10**18 - 1)),
            currency=BUYERS[buyer],
        )

    def _new(self, event_type: str, time: str, **data: Any) -> Event:
        self.numbers += 1
        return {
            "specversion": "1.0",
            "id": f"e{self.numbers:04}",
            "source": SOURCE,
            "type": event_type,
            "time": time if len(time) < 30 else for_display(time),
            "data": data,
        }


def minutes_before(now: Instant, minutes: Sequence[int]) -> list[Instant]:
    return [plus(now, timedelta(minutes=-each)) for each in sorted(minutes, reverse=True)]


def _of(partner: str, organization: str) -> Event:
    return {"partner_id": partner, "organization_id": organization}
