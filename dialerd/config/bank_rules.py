"""What must hold inside of a `[[bank]]`, and between it and the rest of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dialerd.config.bank_tables import Bank
from dialerd.config.dialects import SHIPPED, names_in
from dialerd.config.schema import Config
from dialerd.config.secrets import first_line, password_file_rules
from dialerd.config.sip_rules import At
from dialerd.config.trunk_rules import carrier_names, plan_rules
from dialerd.toml_faults import Fault, nearest
from gsm.card import is_pin


def bank_rules(config: Config, *, secrets: bool) -> Iterator[Fault]:
    """Every bank by itself, and all of them against the rest of the file."""
    seen = {trunk.name: "[[trunk]]" for trunk in config.trunk}
    known = carrier_names(config.numbering.plan) if config.bank else []
    taken: dict[Path, str] = {}
    for index, bank in enumerate(config.bank):
        at: At = ("bank", index)
        if bank.name in seen:
            yield Fault((*at, "name"), f"a {seen[bank.name]} is named {bank.name!r} too")
        seen[bank.name] = "[[bank]]"
        for where, path in _paths(bank):
            if (other := taken.setdefault(path, bank.name)) != bank.name:
                yield Fault((*at, *where), f"bank {other!r} has the same devices")
        yield from _device_rules(bank, at)
        yield from _dialect_rules(bank, at)
        yield from _sim_rules(bank, at, known, secrets=secrets)
        yield from plan_rules(bank.plan, (*at, "plan"))
        if bank.care.rest_s_max < bank.care.rest_s:
            text = "rest_s_max is shorter than rest_s"
            yield Fault((*at, "care", "rest_s_max"), text, f"rest_s is {bank.care.rest_s}")


def _paths(bank: Bank) -> Iterator[tuple[At, Path]]:
    """What it names its devices by, each with its key."""
    if bank.slots is not None:
        yield ("slots",), bank.slots
    for index, device in enumerate(bank.device):
        yield ("device", index, "at"), device.at


def _device_rules(bank: Bank, at: At) -> Iterator[Fault]:
    if bank.slots is None and not bank.device:
        yield Fault((*at, "name"), "it has no devices", "set `slots`, or add [[bank.device]]")
    if bank.slots is not None:
        if bank.slots.name.count("*") != 1 or "*" in str(bank.slots.parent):
            text = "one * must stand in the last part of the path"
            yield Fault((*at, "slots"), text, 'such as "/dev/serial/by-path/*:1.2-port0"')
        if bank.audio is not None and "*" not in str(bank.audio):
            text = "all ports would have one audio device"
            yield Fault((*at, "audio"), text, "put the * of `slots` in its place")
    elif bank.audio is not None:
        text = "the devices of [[bank.device]] have each their own `audio`"
        yield Fault((*at, "audio"), text)
    seen: dict[str | Path, str] = {}
    for index, device in enumerate(bank.device):
        for key, value in (("name", device.name), ("at", device.at), ("audio", device.audio)):
            if value is None:
                continue
            if value in seen:
                yield Fault((*at, "device", index, key), f"{value} stands twice")
            seen[value] = key


def _dialect_rules(bank: Bank, at: At) -> Iterator[Fault]:
    folder = bank.dialects or SHIPPED
    if not folder.is_dir():
        yield Fault((*at, "dialects"), f"there is no folder {folder}")
        return
    names = names_in(folder)
    if bank.dialect != "auto" and bank.dialect not in names:
        text = f"no dialect is named {bank.dialect!r}"
        yield Fault((*at, "dialect"), text, nearest(bank.dialect, ["auto", *names], "dialects"))


def _pin_rules(path: Path, at: At) -> Iterator[Fault]:
    found = list(password_file_rules(path, at))
    yield from found
    if not found and not is_pin(first_line(path)):
        yield Fault(at, f"the first line of {path} is no PIN", "a PIN is 4 to 8 digits")


def _sim_rules(bank: Bank, at: At, known: list[str], *, secrets: bool) -> Iterator[Fault]:
    named: list[tuple[At, str]] = [
        ((*at, "carriers", place), name) for place, name in enumerate(bank.carriers)
    ]
    if secrets and bank.pin_file is not None:
        yield from _pin_rules(bank.pin_file, (*at, "pin_file"))
    seen: set[str] = set()
    for index, sim in enumerate(bank.sim):
        where: At = (*at, "sim", index)
        if sim.iccid in seen:
            yield Fault((*where, "iccid"), f"SIM {sim.iccid} stands twice")
        seen.add(sim.iccid)
        if secrets and sim.pin_file is not None:
            yield from _pin_rules(sim.pin_file, (*where, "pin_file"))
        yield from plan_rules(sim.plan, (*where, "plan"))
        named += [((*where, "carriers", place), one) for place, one in enumerate(sim.carriers)]
    for place_of, name in named:
        if known and name not in known:
            text = f"the numbering plan has no carrier {name!r}"
            yield Fault(place_of, text, nearest(name, known, "carriers"))
