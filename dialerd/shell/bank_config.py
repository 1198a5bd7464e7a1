"""Banks of the configuration as slots, dialects and port machines want them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from dialerd.config.bank_tables import Bank, Calls
from dialerd.config.dialects import SHIPPED, Dialects, read_dialects
from dialerd.config.line_specs import longest_call_s
from dialerd.config.secrets import first_line
from dialerd.core.limits import RING_S_MAX
from gsm.io_slots import Place, SlotRule
from gsm.io_sound import sound_card
from gsm.limits import MS, SECOND
from gsm.settings import Care, PortSettings

_INCOMING: dict[Calls, Literal["tell", "reject"]] = {
    Calls.ANSWER: "tell", Calls.REJECT: "reject", Calls.IGNORE: "tell",
}  # fmt: skip


def rule_of(bank: Bank, find: Callable[[SlotRule], list[Place]]) -> list[Place]:
    """The slots of a bank that are there now; those of [[bank.device]] always are."""
    named = [Place(device.name, str(device.at), str(device.audio or "")) for device in bank.device]
    if bank.slots is None:
        return named
    return named + find(SlotRule(str(bank.slots), str(bank.audio or "")))


def shared(banks: Iterable[Bank], find: Callable[[SlotRule], list[Place]]) -> Iterator[str]:
    """Which devices that are there now belong to two banks, of which one will not open them."""
    owner: dict[str, str] = {}
    for bank in banks:
        for place in rule_of(bank, find):
            device = os.path.realpath(place.at)
            if (other := owner.setdefault(device, bank.name)) != bank.name:
                yield f"{place.at} is in bank {other!r} and in bank {bank.name!r}"


def port_settings(bank: Bank, place: Place, index: int) -> PortSettings:
    """The n-th port of a bank, from 0; OSError, ValueError: its PIN cannot be read."""
    care = bank.care
    return PortSettings(
        name=f"{bank.name}/{place.slot}",
        dialect=bank.dialect,
        pin=first_line(bank.pin_file) if bank.pin_file is not None else "",
        pins=tuple(
            (sim.iccid, first_line(sim.pin_file)) for sim in bank.sim if sim.pin_file is not None
        ),
        start_ns=index * bank.stagger_ms * MS,
        incoming=_INCOMING[bank.incoming],
        call_s_max=longest_call_s(bank, ""),
        registered_at_home_only=not bank.roaming,
        audio_device=bool(place.audio),
        audio_uac=bool(sound_card(place.audio)),
        trace=False,
        ring_ns_max=RING_S_MAX * SECOND,
        care=Care(
            failed_max=care.failed_max,
            unanswered_max=care.unanswered_max,
            short_max=care.short_max,
            short_s=care.short_s,
            rest_s=care.rest_s,
            rest_s_max=care.rest_s_max,
            gap_s=care.gap_s,
            gap_s_spread=care.gap_s_spread,
            reset_calls=care.reset_calls,
            reset_hours=care.reset_hours,
            balance_calls=care.balance_calls,
            balance_hours=care.balance_hours,
            balance_milli_min=round(care.balance_min * 1000),
            days_left_min=care.days_left_min,
        ),
    )


def dialects_of(banks: Iterable[Bank]) -> dict[str, Dialects]:
    """The dialects of each bank by its name, each folder read once; TomlError."""
    folders = {bank.name: bank.dialects or SHIPPED for bank in banks}
    read = {folder: read_dialects(folder) for folder in set(folders.values())}
    return {name: read[folder] for name, folder in folders.items()}
