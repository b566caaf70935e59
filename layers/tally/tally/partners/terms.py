"""What was configured for a partner, as an item. It is not counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.partners.items import registers_from, stored_registers
from tally.partners.model.billing import Partner


def partner_attributes(partner: Partner) -> dict[str, Any]:
    return {"partner_id": partner.partner_id, "registers": stored_registers(partner.registers)}


def partner_from(item: Mapping[str, Any]) -> Partner:
    return Partner(item["partner_id"], registers_from(item["registers"]))
