"""A campaign's report as text: one row per number with everything that happened to it.

CSV is made to be opened by double-click: UTF-8 with a byte order mark, CRLF, every cell defused
(`dialerd.core.spreadsheet`). The number stands without its plus: spreadsheets then take it for what
it is, our own import reads it back, and nothing begins with a sign. JSON is one array with an
object per line, the number in E.164. Both come in pieces as large as one chunk of the store,
whatever the campaign's size.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec

from dialerd.core.ports import ReportRow
from dialerd.core.records import WAITING as ALL_WAITING
from dialerd.core.records import Attempt, CallEvent, Direction, LeadState
from dialerd.core.spreadsheet import safe
from dialerd.store.base import BaseStore
from dialerd.store.lead_numbers import number_of

#: Of one try, here and in `export_text`: how it was dialed, and how it ended.
DIALED_COLUMNS: Final = ("trunk", "port", "rule", "dialed_at", "answered_at", "ended_at")
ENDED_COLUMNS: Final = (
    "keys", "sip_code", "q850", "released_by", "call_id", "agent", "disposition",
    "flow_fields", "direction", "called", "answered_by",
)  # fmt: skip
COLUMNS: Final = (
    "number",
    "original",
    "carrier",
    "list",
    "numbers",
    "state",
    "outcome",
    "attempts",
    "due_at",
    "dialed_number",
    *DIALED_COLUMNS,
    *ENDED_COLUMNS,
    "interactions",
)
BOM: Final = "\ufeff"
WAITING: Final = tuple(state for state in ALL_WAITING if state is not LeadState.READY)
SECONDS_KEPT: Final = 4_096

Stamp = Callable[[int], str]


def stamps(zone: tzinfo) -> Stamp:
    """Makes Unix ms into ISO 8601 in `zone` with milliseconds; 0 is the empty text."""
    kept: dict[int, tuple[str, str]] = {}

    def stamp(at_ms: int) -> str:
        if at_ms <= 0:
            return ""
        at_s, ms = divmod(at_ms, 1000)
        parts = kept.get(at_s)
        if parts is None:
            if len(kept) >= SECONDS_KEPT:
                kept.clear()
            text = datetime.fromtimestamp(at_s, zone).isoformat(timespec="seconds")
            parts = kept[at_s] = (text[:19], text[19:])
        return f"{parts[0]}.{ms:03}{parts[1]}"

    return stamp


def csv_pieces(store: BaseStore, campaign_id: int, zone: tzinfo, chunk: int = 500) -> Iterator[str]:
    """The report as CSV text; NotFoundError at once when there is no such campaign."""
    columns = store.columns(campaign_id)
    return _csv(store.report(campaign_id, chunk), columns, stamps(zone), list_names(store))


def list_names(store: BaseStore) -> dict[int, str]:
    """Of every list."""
    return {one.list_id: one.name for one in store.lists()}


def _csv(
    chunks: Iterator[list[ReportRow]],
    columns: Sequence[str],
    stamp: Stamp,
    names: Mapping[int, str],
) -> Iterator[str]:
    out = io.StringIO()
    write = csv.writer(out).writerow
    out.write(BOM)
    write(_titles(columns))
    for rows in chunks:
        for row in rows:
            get = row.contact.fields.get
            write([*_cells(row, stamp, names), *[safe(get(column, "")) for column in columns]])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    if out.tell():  # a campaign without leads: the titles alone
        yield out.getvalue()


def _titles(columns: Sequence[str]) -> list[str]:
    """Ours and those of the list, each once: a column named like one of ours gets a suffix."""
    titles = list(COLUMNS)
    for column in columns:
        title = safe(column)
        while title in titles:
            title += " (list)"
        titles.append(title)
    return titles


def _cells(row: ReportRow, stamp: Stamp, names: Mapping[int, str]) -> list[Any]:
    """The cells of COLUMNS. Of several attempts the last one speaks, save for the interactions."""
    lead, contact = row.lead, row.contact
    own = [one for one, _ in row.attempts if one.direction is not Direction.OVER]
    last = own[-1] if own else None
    head = [
        number_of(row.lead, row.contact) or "",
        safe(contact.original),
        safe(contact.carrier),
        safe(names.get(row.list_id, "")),
        " ".join(str(one.phone) for one in lead.numbers),
        lead.state.name.lower(),
        lead.outcome or "",
        lead.attempts,
        stamp(lead.due_s * 1000) if lead.state in WAITING else "",
    ]
    if last is None:
        return [*head, *[""] * (len(COLUMNS) - len(head))]
    return [
        *head,
        last.phone or "",
        *map(cell, dialed(last, stamp)),
        *map(cell, ended(last)),
        "; ".join(
            [
                line
                for attempt, events in row.attempts
                for line in _story(attempt, events, stamp, several=bool(lead.numbers))
            ]
        ),
    ]


def dialed(a: Attempt, stamp: Stamp) -> tuple[str, ...]:
    """In the order of DIALED_COLUMNS."""
    return a.trunk, a.port, a.rule, stamp(a.begun_ms), stamp(a.answered_ms), stamp(a.ended_ms)


def ended(a: Attempt) -> tuple[str | int, ...]:
    """In the order of ENDED_COLUMNS."""
    line = a.keys, a.code or "", a.q850 or "", a.released_by, a.call_id
    fields = "; ".join(f"{name} = {value}" for name, value in a.fields.items())
    return *line, a.agent, a.disposition, fields, a.direction, a.called, answered_by(a)


def answered_by(a: Attempt) -> str:
    """Who answered as far as is known; empty: it was not to be found out."""
    return str(a.revised or a.answerer or "")


def cell(value: Any) -> Any:
    """As it stands in CSV."""
    return safe(value) if isinstance(value, str) else value


def _story(
    attempt: Attempt, events: Sequence[CallEvent], stamp: Stamp, *, several: bool
) -> list[str]:
    """One line per event, then how the try ended."""
    lines = [f"{stamp(event.at_ms)} {event.kind} {event.detail}".rstrip() for event in events]
    if attempt.outcome is not None:
        at = f" at {attempt.phone}" if several and attempt.phone else ""
        lines.append(f"{stamp(attempt.ended_ms)} try {attempt.number}{at} {attempt.outcome}")
    return lines


def json_pieces(
    store: BaseStore, campaign_id: int, zone: tzinfo, chunk: int = 500
) -> Iterator[str]:
    """The report as JSON text; NotFoundError at once when there is no such campaign."""
    store.campaign(campaign_id)
    return _json(store.report(campaign_id, chunk), stamps(zone), list_names(store))


def _json(
    chunks: Iterator[list[ReportRow]], stamp: Stamp, names: Mapping[int, str]
) -> Iterator[str]:
    encode = msgspec.json.Encoder().encode
    before = "[\n"
    for rows in chunks:
        yield before + ",\n".join([encode(_object(row, stamp, names)).decode() for row in rows])
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _object(row: ReportRow, stamp: Stamp, names: Mapping[int, str]) -> dict[str, Any]:
    lead, contact = row.lead, row.contact
    return {
        "number": f"+{phone}" if (phone := number_of(row.lead, row.contact)) else None,
        "numbers": [f"+{one.phone}" for one in lead.numbers],
        "list": names.get(row.list_id),
        "original": contact.original,
        "carrier": contact.carrier,
        "state": lead.state.name.lower(),
        "outcome": lead.outcome,
        "due_at": (stamp(lead.due_s * 1000) or None) if lead.state in WAITING else None,
        "attempts": [attempt_json(attempt, events, stamp) for attempt, events in row.attempts],
        "fields": contact.fields,
    }


def attempt_json(attempt: Attempt, events: Sequence[CallEvent], stamp: Stamp) -> dict[str, Any]:
    """One try as JSON shows it."""
    return {
        "number": attempt.number,
        "dialed": f"+{attempt.phone}" if attempt.phone else None,
        "outcome": attempt.outcome,
        "trunk": attempt.trunk,
        "port": attempt.port or None,
        "rule": attempt.rule,
        "call_id": attempt.call_id,
        "dialed_at": stamp(attempt.begun_ms) or None,
        "answered_at": stamp(attempt.answered_ms) or None,
        "ended_at": stamp(attempt.ended_ms) or None,
        "keys": attempt.keys,
        "sip_code": attempt.code or None,
        "q850": attempt.q850 or None,
        "released_by": attempt.released_by or None,
        "agent": attempt.agent or None,
        "connected_at": stamp(attempt.connected_ms) or None,
        "answered_by": answered_by(attempt) or None,
        "answered_by_first": attempt.answerer,
        "disposition": attempt.disposition or None,
        "direction": attempt.direction,
        "called": attempt.called or None,
        "flow_fields": attempt.fields,
        "events": [
            {"at": stamp(event.at_ms), "kind": event.kind, "detail": event.detail}
            for event in events
        ],
    }
