"""`dialerd number`: all that is kept about one number, shown or erased."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dialerd.cli.common import (
    config_option,
    load_config,
    output_option,
    print_json,
    print_pairs,
    who,
)
from dialerd.cli.data_folder import data_option
from dialerd.cli.errors import FailedError
from dialerd.cli.numbers import load_numbering

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialerd.config import Config
    from dialerd.store.people import About

number_argument = click.argument("text", metavar="NUMBER")


@click.group("number")
def number() -> None:
    """What is kept about one number: show everything, or erase it."""


def _phone(text: str, config_path: str | None) -> int:
    found = load_numbering(config_path).analyse(text[:200])
    if found.e164 is None:
        raise FailedError(f"not a number: {found.reason}")
    return int(found.e164[1:])


def _settings(data: Path | None, config_path: str | None) -> tuple[Config, Path]:
    from dialerd.config import Config

    config = Config() if data and not config_path else load_config(config_path)
    return config, data or config.store.path


@number.command("export")
@number_argument
@data_option
@config_option
def export(text: str, data: Path | None, config_path: str | None) -> None:
    """Everything about NUMBER as one JSON object: lists, calls, notes, promises, recordings."""
    from dialerd.config import parse_zone
    from dialerd.store import open_store
    from dialerd.store.report import stamps

    phone = _phone(text, config_path)
    config, folder = _settings(data, config_path)
    store = open_store(folder, readonly=True, linger_s=0.0)
    try:
        found = store.about(phone)
    finally:
        store.close()
    print_json(as_json(found, stamps(parse_zone(config.dialing.zone))))


def as_json(found: About, stamp: Callable[[int], str]) -> dict[str, Any]:
    """As a person may be given it."""
    from dialerd.store.report import attempt_json

    dnc = found.dnc
    by_id = {one.lead.campaign_id: one.campaign.settings.name for one in found.tried}
    return {
        "number": f"+{found.phone}",
        "do_not_call": dnc and {"since": stamp(dnc.at_ms), "source": dnc.source},
        "lists": [
            {
                "list": people.name,
                "imported_at": stamp(people.created_ms),
                "numbers": [f"+{n}" for n in (contact.phone, *(o.phone for o in contact.others))],
                "original": contact.original,
                "carrier": contact.carrier,
                "fields": contact.fields,
            }
            for people, contact in found.listed
        ],
        "campaigns": [
            {
                "campaign": one.campaign.settings.name,
                "state": one.lead.state.name.lower(),
                "outcome": one.lead.outcome,
                "attempts": [attempt_json(*tried, stamp) for tried in one.attempts],
                "answers": [
                    {"attempt": sheet.attempt_id, "question": question, "answer": kept.value}
                    for sheet in one.answered
                    for question, kept in sheet.answers.items()
                ],
            }
            for one in found.tried
        ],
        "put_through": [
            {
                "campaign": one.campaign.settings.name,
                **attempt_json(one.attempt, one.events, stamp),
            }
            for one in found.put_through
        ],
        "notes": [
            {"at": stamp(note.at_ms), "agent": note.agent, "text": note.text}
            for note in found.notes
        ],
        "callbacks": [
            {
                "campaign": by_id.get(one.campaign_id, ""),
                "due": stamp(one.due_s * 1000),
                "agent": one.agent,
                "booked_at": stamp(one.booked_ms),
                "booked_by": one.booked_by,
                "note": one.note,
            }
            for one in found.callbacks
        ],
        "texts": [
            {"arrived": stamp(one.arrived_ms), "port": one.port, "text": one.text}
            for one in found.texts
        ],
        "recordings": found.recordings,
        "calls_not_ended": list(found.old_calls),
        "calls_under_caps": [stamp(at_ms) for at_ms, _, _ in found.caps],
    }


@number.command("erase")
@number_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@config_option
@output_option
def erase(text: str, yes: bool, data: Path | None, config_path: str | None, output: str) -> None:  # noqa: FBT001
    """Erase NUMBER from lists, leads, attempts, interactions and recordings.

    The do-not-call list keeps it, and frequency caps still hold. What was exported before, and old
    backups, are not touched.
    """
    from dialerd.store import open_store, wait
    from dialerd.store.recording_files import files_of, remove

    phone = _phone(text, config_path)
    config, folder = _settings(data, config_path)
    named = config.recording.folder
    recordings = Path(named) if named else folder / "recordings"
    if not yes:
        click.confirm("This cannot be undone. Erase it?", abort=True, err=True)
    store = open_store(folder, create=False, linger_s=0.0)
    try:
        found = store.about(phone)
        if found.busy:
            raise FailedError(found.busy)
        # Files first: were the history gone before them, nothing would lead to them any more.
        files = remove(files_of(recordings, found.recordings))
        counts = wait(store.erase(phone, who(), time.time_ns() // 1_000_000))
        kept = store.dnc_has(phone)
    finally:
        store.close()
    if output == "json":
        print_json({**counts, "recordings": files, "do_not_call": kept})
        return
    print_pairs([*counts.items(), ("recordings", files)])
    if kept:
        click.echo("it stays on the do-not-call list")
