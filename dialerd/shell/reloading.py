"""What a reload reads of the configuration, and what of that holds at once.

All of it is read before anything is taken over. What is not among `TAKEN_OVER` waits for the next
start, and is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from dialerd import open_files
from dialerd.config import Config, load
from dialerd.config.bank_tables import Bank
from dialerd.core.events import LimitsChanged
from dialerd.core.lines_view import Reloaded
from dialerd.plan_file import read_numbering
from dialerd.shell.ear_files import EarFiles, read_ear_files
from dialerd.shell.sip_config import phones_of
from fastpath.numbers import Numbering
from sip.accounts.registrar import Phones

TAKEN_OVER: Final = (
    "phones.", "dialing.", "numbering.", "log.level", "media.port_", "detection.", "bank.live",
)  # fmt: skip
"""How the keys begin that a reload takes over besides the trunks."""


LEFT_OUT_MAX: Final = 20
"""Announcements that cannot be read, named by the answer; the log has all."""
BANK_LIVE: Final = (
    "provider", "calls_per_s_max", "carriers", "prefixes", "on_net", "weight", "number_format",
    "plan",
)  # fmt: skip
"""Keys of a bank that do; of its `sim` all but their PINs."""


class Found(NamedTuple):
    """A configuration and what its files say."""

    config: Config
    phones: Phones | None
    numbering: Numbering
    ear_files: EarFiles


def read_again(path: Path, running: Config) -> Found:
    """The file as it is now; ConfigError or OSError: it cannot be taken over."""
    config = load(path)
    numbering = read_numbering(config.numbering.plan, config.numbering.destinations)
    # Sockets stay as they are: whether telephones have one is the running daemon's to say.
    phones = phones_of(msgspec.structs.replace(config, sip=running.sip))
    return Found(config, phones, numbering, read_ear_files(config, path))


def taken_over(running: Config, now: Config) -> Config:
    """What holds once `now` was read: its trunks and `TAKEN_OVER`, all else as it was."""
    ports = {"port_low": now.media.port_low, "port_high": now.media.port_high}
    return msgspec.structs.replace(
        running,
        trunk=now.trunk,
        bank=_banks(running.bank, now.bank),
        phones=now.phones,
        dialing=now.dialing,
        numbering=now.numbering,
        log=msgspec.structs.replace(running.log, level=now.log.level),
        detection=now.detection,
        media=msgspec.structs.replace(running.media, **ports),
    )


def _banks(running: tuple[Bank, ...], now: tuple[Bank, ...]) -> tuple[Bank, ...]:
    """The banks that run, each with what a reload takes over: routes, plans, what SIMs may."""
    by_name = {bank.name: bank for bank in now}
    return tuple(_bank(bank, by_name.get(bank.name, bank)) for bank in running)


def _bank(running: Bank, now: Bank) -> Bank:
    """One of them. Which PIN is entered is read at the start."""
    replace = msgspec.structs.replace
    pins = {sim.iccid: sim.pin_file for sim in running.sim}
    sims = tuple(replace(sim, pin_file=pins.get(sim.iccid)) for sim in now.sim)
    return replace(running, **{name: getattr(now, name) for name in BANK_LIVE}, sim=sims)


def changes(before: Config, now: Config, left_out: tuple[str, ...] = ()) -> Reloaded:
    """What differs between two configurations: trunks by name, other keys by theirs."""
    old = {trunk.name: trunk for trunk in before.trunk}
    new = {trunk.name: trunk for trunk in now.trunk}
    keys = list(_keys(before, now))
    return Reloaded(
        added=tuple(name for name in new if name not in old),
        changed=tuple(name for name in new if name in old and new[name] != old[name]),
        removed=tuple(name for name in old if name not in new),
        restart=tuple(key for key in keys if not key.startswith(TAKEN_OVER)),
        live=tuple(key for key in keys if key.startswith(TAKEN_OVER)),
        left_out=left_out[:LEFT_OUT_MAX],
    )


def _keys(before: msgspec.Struct, now: msgspec.Struct, path: str = "") -> Iterator[str]:
    for name in before.__struct_fields__:
        was, is_now = getattr(before, name), getattr(now, name)
        if was == is_now or path + name == "trunk":
            continue
        if path + name == "bank":
            yield from _bank_keys(was, is_now)
            continue
        if isinstance(was, msgspec.Struct):
            yield from _keys(was, is_now, f"{path}{name}.")
        else:
            yield path + name


def _bank_keys(before: tuple[Bank, ...], now: tuple[Bank, ...]) -> Iterator[str]:
    """`bank.live` when nothing else differs or besides it; `bank` when the rest does."""
    if _banks(before, now) != before:
        yield "bank.live"
    if _banks(before, now) != now:
        yield "bank"


def calls_max(config: Config) -> int:
    """As configured, or what the open files allow."""
    return open_files.calls_within(config.dialing.calls_max, 2 if config.media.rtcp else 1)


def limits(config: Config) -> LimitsChanged:
    """What holds for calls of either direction over all trunks."""
    dialing = config.dialing
    return LimitsChanged(
        dialing.calls_per_s_max,
        calls_max(config),
        dialing.inbound_status,
        dialing.inbound_calls_max,
        dialing.inbound_calls_per_s_max,
    )
