"""A command line as a modem reads it: ITU-T V.250, 5.2 and 5.4."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What is asked of an extended command."""

    RUN = "run"  # +CLCC
    SET = "set"  # +CREG=1
    READ = "read"  # +CREG?
    TEST = "test"  # +CREG=?


class Command(msgspec.Struct, frozen=True):
    """One command of a line."""

    name: str  # upper case: "+CREG", "D", "&F", "S0"
    kind: Kind
    raw: str = ""  # what stands behind `=`, or behind a basic command's letter

    @property
    def values(self) -> list[str]:
        """The values behind `=`, split at commas outside of quotes, quotes removed."""
        if self.raw == "":
            return []
        parts = re.findall(r'((?:"[^"]*"|[^,"])*)(?:,|$)', self.raw)
        if not self.raw.endswith(","):
            parts = parts[:-1] if len(parts) > 1 and parts[-1] == "" else parts
        return [part.strip().strip('"') for part in parts]

    def number(self, place: int, otherwise: int) -> int:
        """The value at `place` as a number; `otherwise` when it is missing. ValueError."""
        values = self.values
        if place >= len(values) or values[place] == "":
            return otherwise
        return int(values[place])


_EXTENDED = re.compile(r"([+^$*#%][A-Z][A-Z0-9/_]*)(=\?|\?|=)?", re.IGNORECASE)
_BASIC = re.compile(r"(&?[A-CE-Z])(\d*)", re.IGNORECASE)
_REGISTER = re.compile(r"S(\d+)(?:(\?)|=(\d*))", re.IGNORECASE)


def split(line: str) -> list[Command] | None:
    """The commands of a line behind its `AT`; None when it is not made as lines are made."""
    commands: list[Command] = []
    at = 0
    while at < len(line):
        if line[at] in " ;":
            at += 1
            continue
        letter = line[at].upper()
        if letter == "D":
            end = line.find(";", at)
            end = len(line) if end < 0 else end + 1  # the `;` belongs to it: a voice call
            commands.append(Command("D", Kind.SET, line[at + 1 : end]))
            at = end
            continue
        if found := _EXTENDED.match(line, at):
            end = _end(line, found.end())
            raw, mark = line[found.end() : end], found[2] or ""
            kind = {"=?": Kind.TEST, "?": Kind.READ, "=": Kind.SET}.get(mark, Kind.RUN)
            if kind is not Kind.SET and raw.strip():
                return None
            commands.append(Command(found[1].upper(), kind, raw))
            at = end
        elif found := _REGISTER.match(line, at):
            kind = Kind.READ if found[2] else Kind.SET
            commands.append(Command(f"S{int(found[1])}", kind, found[3] or ""))
            at = found.end()
        elif found := _BASIC.match(line, at):
            commands.append(Command(found[1].upper(), Kind.RUN, found[2]))
            at = found.end()
        else:
            return None
    return commands


def _end(line: str, at: int) -> int:
    """Where an extended command ends: at the next `;` outside of quotes."""
    quoted = False
    for place in range(at, len(line)):
        if line[place] == '"':
            quoted = not quoted
        elif line[place] == ";" and not quoted:
            return place
    return len(line)
