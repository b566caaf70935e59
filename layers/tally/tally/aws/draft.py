"""What a transaction is about to write, on condition that what was read has not changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import Action
from tally.kernel.keys import Key

type Item = Mapping[str, Any]


class Postponed(Exception):
    """What is to be decided depends on writes of this very draft: it belongs in the next one."""


@dataclass(frozen=True, slots=True)
class Write:
    """`item` is the item as it will be; None if it is deleted, or not known."""

    item: Item | None
    action: Callable[[Table], Action]
    is_new: bool = False


@dataclass(slots=True)
class Draft:
    """Items that were read, and one write for each item that is to change.

    `ahead` are items that only announce others; they are written before the transaction.
    """

    items: Mapping[Key, Item]
    writes: dict[Key, Write] = field(default_factory=dict)
    ahead: dict[Key, Item] = field(default_factory=dict)

    def branch(self) -> Draft:
        """A copy to try something in."""
        return Draft(self.items, dict(self.writes), dict(self.ahead))

    def actions(self, table: Table) -> list[Action]:
        return [write.action(table) for write in self.writes.values()]

    # ------------------------------------------------------------------ reading

    def read(self, key: Key) -> Item | None:
        """The item as it will be after the writes so far."""
        return self.writes[key].item if key in self.writes else self.items.get(key)

    def creates(self, key: Key) -> bool:
        """Whether this draft writes the item on condition that it does not exist yet."""
        return key in self.writes and self.writes[key].is_new

    def created_in(self, pk: str, prefix: str) -> Key | None:
        """A new item of a partition whose sort key has a prefix."""
        return next((k for k in self.writes if k.pk == pk and k.sk.startswith(prefix)), None)

    # ------------------------------------------------------------------ writing

    def revise(self, key: Key, attributes: Item) -> None:
        """Write an item that changes, on condition that it still has the revision that was read."""
        revision = self.items[key]["revision"] if key in self.items else 0
        item = {**attributes, "revision": revision + 1}

        def action(table: Table) -> Action:
            if revision == 0:
                return table.put_new(key, item)
            return table.put(key, item, "revision = :revision", revision=revision)

        self.writes[key] = Write(item, action)

    def amend(self, key: Key, attributes: Item, *, unchanged: str) -> None:
        """Change attributes of an item, on condition that `unchanged` is as it was read."""
        read = self.items[key]
        item = {**read, **attributes}
        condition = f"{unchanged} = :read"
        self.writes[key] = Write(
            item, lambda table: table.put(key, item, condition, read=read[unchanged])
        )

    def create(self, key: Key, attributes: Item) -> None:
        """Write an item that must not exist yet."""
        item = dict(attributes)
        self.writes[key] = Write(item, lambda table: table.put_new(key, item), is_new=True)

    def put(self, key: Key, attributes: Item) -> None:
        item = dict(attributes)
        self.writes[key] = Write(item, lambda table: table.put(key, item))

    def delete(self, key: Key) -> None:
        self.writes[key] = Write(None, lambda table: table.delete(key))

    def write(self, key: Key, action: Callable[[Table], Action]) -> None:
        """Any other action on an item that is not read again."""
        self.writes[key] = Write(None, action)

    def announce(self, key: Key, attributes: Item) -> None:
        self.ahead[key] = attributes
