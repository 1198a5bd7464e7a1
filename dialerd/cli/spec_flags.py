"""From the flags of `dialerd campaign create` to a `CampaignSpec`."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import Any, Final

import click
import msgspec

from dialerd.core.campaign_spec import CampaignSpec, Weekday, spec_faults
from dialerd.core.flow_checks import END

_DAYS: Final = [day.value for day in Weekday]
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"^(\d{1,9})([smhd]?)$(?!\n)")
_HOURS: Final = re.compile(
    r"^(?:(?P<days>[a-z,-]+)\s+)?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)$(?!\n)"
)

# Which flag sets which part of a spec: a fault is told in the words the person typed.
FLAGS: Final = {
    "name": "NAME",
    "list": "--list",
    "lists": "--list / --list-weight",
    "mix": "--mix",
    "next_number_on": "--next-number-on",
    "next_number_gap_s": "--next-number-gap",
    "regime": "--regime",
    "caller_id": "--caller-id",
    "hours": "--hours",
    "cap": "--cap",
    "attempts_max": "--attempts",
    "retry_gap_s": "--retry-gap",
    "rechecks_max": "--rechecks",
    "recheck_gap_s": "--recheck-gap",
    "ring_s_max": "--ring",
    "calls_per_s_max": "--rate",
    "record": "--record",
    "skip_holidays": "--skip-holidays",
    "consent": "--consent",
    "consent_column": "--consent-column",
    "consent_date_column": "--consent-date-column",
    "caller_name": "--caller-name",
    "weight": "--weight",
    "after": "--after",
    "after_s": "--after-gap",
    "start_at": "--start",
    "end_at": "--end",
    "steps": "--prompt / --key",
}

_SHAPES: Final = {
    "name": "printable characters, and not digits alone: those would be an id",
    "caller_id": "digits, with or without a plus",
    "steps": "a prompt is a path under the prompts folder, a key one of 0-9 * #",
    "hours": "a time is HH:MM",
}


def seconds(text: str, flag: str) -> int:
    """`90`, `90s`, `30m`, `2h` or `30d` as seconds; a usage error otherwise."""
    match = _DURATION.match(text.strip().lower())
    if match is None:
        raise click.UsageError(f"{flag}: {text!r} is no duration; write 90s, 30m, 2h or 30d")
    return int(match[1]) * _UNITS[match[2]]


def lists(names: tuple[str, ...], weights: tuple[str, ...]) -> dict[str, Any]:
    """One list, or several with their weights: `vip=3`, cut at the last equals sign."""
    if len(names) == 1 and not weights:
        return {"list": names[0]}
    by_name: dict[str, int] = {}
    for text in weights:
        name, _, weight = text.rpartition("=")
        if name not in names or not weight.isascii() or not weight.isdecimal():
            raise click.UsageError(f"--list-weight: {text!r} is not NAME=N of a --list")
        by_name[name] = int(weight)
    return {"lists": [{"list": name, "weight": by_name.get(name, 1)} for name in names]}


def cap(text: str, counts: str) -> dict[str, Any]:
    """`1/30d`: at most one call to a number in 30 days."""
    calls, slash, window = text.partition("/")
    if not slash or not calls.strip().isdigit():
        raise click.UsageError(f"--cap: {text!r} is no cap; write CALLS/WINDOW, such as 1/30d")
    return {"calls_max": int(calls), "window_s": seconds(window, "--cap"), "counts": counts}


def hours(text: str) -> dict[str, Any]:
    """`08:00-17:00` or `mon-fri 08:00-17:00` or `sat,sun 9:00-11:30`."""
    match = _HOURS.match(text.strip().lower())
    if match is None:
        raise click.UsageError(
            f'--hours: {text!r} is no window; write "08:00-17:00" or "mon-fri 08:00-17:00"'
        )
    found: dict[str, Any] = {"start": match["start"].zfill(5), "end": match["end"].zfill(5)}
    if match["days"]:
        found["days"] = _days(match["days"], text)
    return found


def _days(text: str, whole: str) -> list[str]:
    days: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise click.UsageError(f"--hours: {whole!r}: days are {', '.join(_DAYS)}")
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        span = range(start, end + 1) if start <= end else [*range(start, 7), *range(end + 1)]
        days += [_DAYS[day] for day in span if _DAYS[day] not in days]
    return days


def steps(prompt: str, keys: tuple[str, ...], wait: str) -> list[dict[str, Any]]:
    """One step that plays `prompt`, and one more for each prompt that a key leads to."""
    first: dict[str, Any] = {"id": "start", "prompt": prompt, "keys": {}}
    found = [first]
    by_prompt: dict[str, str] = {}
    for key in keys:
        digit, equals, target = key.partition("=")
        if not equals or not target:
            raise click.UsageError(f"--key: {key!r} is not DIGIT=PROMPT or DIGIT=end")
        if digit in first["keys"]:
            raise click.UsageError(f"--key: the digit {digit} is given twice")
        if target != END and target not in by_prompt:
            by_prompt[target] = f"key-{len(by_prompt) + 1}"
            found.append({"id": by_prompt[target], "prompt": target})
        first["keys"][digit] = END if target == END else by_prompt[target]
    if keys:
        first["wait_ms"] = seconds(wait, "--wait") * 1000
    return found


def moment(text: str, flag: str, zone: tzinfo | None) -> str:
    """`2026-11-23 08:00` as RFC 3339; in `zone` (None: this machine's) if it has no offset."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone().isoformat()
    except (ValueError, OverflowError, OSError):
        raise click.UsageError(f'{flag}: {text!r} is no time; write "2026-11-23 08:00"') from None


def to_spec(values: dict[str, Any]) -> CampaignSpec:
    """Check the whole; a usage error that names the flag."""
    try:
        spec = msgspec.convert(values, CampaignSpec)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition("$.")
        text = text.partition(" - at `")[0]
        raise click.UsageError(f"{_flag(where)}: {_plain(text, where)}") from None
    faults = spec_faults(spec)
    if faults:
        raise click.UsageError("; ".join(fault.text for fault in faults))
    return spec


def _flag(where: str) -> str:
    return FLAGS.get(_part(where), _part(where))


def _part(where: str) -> str:
    return re.split(r"[.\[`]", where)[0]


def _plain(text: str, where: str) -> str:
    match = re.match(r"Expected `\w+` (>=|<=) (.+)$", text)
    if match:
        return f"must be {match[2]} or {'more' if match[1] == '>=' else 'less'}"
    return _SHAPES.get(_part(where), "not allowed here") if "regex" in text else text
