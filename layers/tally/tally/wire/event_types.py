"""How a subject declares a type of event: its data, its fact, what it reads and decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ConfigDict

from tally.aws.draft import Draft, Item
from tally.aws.table import Table
from tally.aws.transactions import Action
from tally.kernel.events import Door, Event, Fact, UnknownTenant
from tally.kernel.keys import Key
from tally.kernel.versions import Version


class EventData(BaseModel):
    """The `data` of an event. Unknown fields are ignored."""

    # Built when the first event of its type comes: few processes see them all.
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, defer_build=True)

    @property
    def understood(self) -> Mapping[str, Any]:
        """What tells two events of the same id apart."""
        return self.model_dump(mode="json", exclude_none=True)


class PartialData(EventData):
    """Data that changes only the fields it has: null resets a field to its default."""

    @property
    def understood(self) -> Mapping[str, Any]:
        fields = self.model_dump(mode="json")
        return {name: fields[name] for name in sorted(self.model_fields_set)}


def _nothing(_event: Event[Any], _items: Mapping[Key, Item]) -> Iterable[Key]:
    return ()


@dataclass(frozen=True, slots=True)
class EventType[D: EventData, F: Fact]:
    """A type of event, declared once.

    `fact` makes the fact from valid data. `reads` names the items to decide by, beside the tenant;
    `reads_history` those that only imported history needs, given the items read before.
    `decide` writes what the event changes into the draft and returns what its mark is to remember;
    it raises Rejected or Postponed. `count_alone`: what an event that is accepted alone may write
    beside its mark, instead of what was decided. `tenant_field` names the tenant in the data.
    `from_tenants`: the tenant may send it with a key of its own; otherwise only the platform may.
    """

    name: str
    data: type[D]
    fact: Callable[[D, Version], F]
    reads: Callable[[F], Iterable[Key]]
    decide: Callable[[Event[F], Draft, Door], Mapping[str, Any]]
    reads_history: Callable[[Event[F], Mapping[Key, Item]], Iterable[Key]] = _nothing
    count_alone: Callable[[Event[F], Table, Door], Sequence[Action]] | None = None
    tenant_field: str = "tenant_id"
    from_tenants: bool = False

    def unknown_tenant(self, fact: Fact) -> UnknownTenant:
        field = f"data.{self.tenant_field}"
        return UnknownTenant(f"{field}: tenant {fact.tenant_id} does not exist.", field=field)


class EventTypes(Mapping[str, EventType[Any, Any]]):
    """Name -> declaration, from the `EVENT_TYPES` of the modules named.

    A module is imported when an event asks for it: few processes see events of all subjects.
    """

    def __init__(self, *modules: str) -> None:
        self._declared: dict[str, EventType[Any, Any]] = {}
        self._waiting = list(modules)

    def __getitem__(self, name: str) -> EventType[Any, Any]:
        while name not in self._declared and self._waiting:
            self._import_next()
        return self._declared[name]

    def __iter__(self) -> Iterator[str]:
        while self._waiting:
            self._import_next()
        return iter(self._declared)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _import_next(self) -> None:
        subject = import_module(self._waiting[0])
        self._declared |= {declared.name: declared for declared in subject.EVENT_TYPES}
        del self._waiting[0]
