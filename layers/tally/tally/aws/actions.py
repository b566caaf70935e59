"""The actions of transactions: each writes, or checks, one item of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tally.aws.items import key_of, to_item, values
from tally.aws.transactions import Action
from tally.kernel.keys import Key


class Actions:
    """Makes actions of one table. `condition` speaks of `:name`, bound by keyword."""

    __slots__ = ()
    name: str

    def put(
        self, key: Key, attributes: dict[str, Any], condition: str = "", **bound: Any
    ) -> Action:
        """Write an item whole."""
        return Action(Put=self._conditional(condition, bound) | {"Item": to_item(key, attributes)})

    def put_new(self, key: Key, attributes: dict[str, Any]) -> Action:
        """Write an item that must not exist yet."""
        return self.put(key, attributes, "attribute_not_exists(PK)")

    def add(self, key: Key, amounts: dict[str, int], condition: str = "", **bound: Any) -> Action:
        """Add to the integer attributes of an item, which need not exist."""
        names = {f"#{n}": attribute for n, attribute in enumerate(amounts)}
        clauses = ", ".join(f"{name} :{name[1:]}" for name in names)
        amount_values = {f":{n}": amount for n, amount in enumerate(amounts.values())}
        action = self._conditional(condition, bound) | {
            "Key": key_of(key),
            "UpdateExpression": f"ADD {clauses}",
            "ExpressionAttributeNames": names,
        }
        action.setdefault("ExpressionAttributeValues", {}).update(values(amount_values))
        return Action(Update=action)

    def update(
        self,
        key: Key,
        expression: str,
        condition: str = "",
        *,
        names: Sequence[str] = (),
        **bound: Any,
    ) -> Action:
        """`expression` and `condition` use `:name`, bound by keyword, and `#name` for each of
        `names`: attributes whose names may be reserved words."""
        update = self._conditional(condition, bound) | {
            "Key": key_of(key),
            "UpdateExpression": expression,
        }
        if names:
            update["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        return Action(Update=update)

    def delete(
        self, key: Key, condition: str = "", *, names: Sequence[str] = (), **bound: Any
    ) -> Action:
        """`names` are those of attributes, as in `update`."""
        delete = self._conditional(condition, bound) | {"Key": key_of(key)}
        if names:
            delete["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        return Action(Delete=delete)

    def must_exist(self, key: Key) -> Action:
        return self.check(key, "attribute_exists(PK)")

    def check(self, key: Key, condition: str, *, names: Sequence[str] = (), **bound: Any) -> Action:
        """Write nothing; only the condition counts. `names` are those of attributes, as in
        `update`."""
        check = self._conditional(condition, bound) | {"Key": key_of(key)}
        if names:
            check["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        return Action(ConditionCheck=check)

    def _conditional(self, condition: str, bound: dict[str, Any]) -> dict[str, Any]:
        action: dict[str, Any] = {"TableName": self.name}
        if condition:
            action["ConditionExpression"] = condition
            action["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if bound:
            action["ExpressionAttributeValues"] = values({f":{k}": v for k, v in bound.items()})
        return action
