"""`dialerd dnc`: numbers that may not be called: our own list, public registers, the blacklist.

`dialerd blacklist` is its verbs for the last of them.

Written straight into the store, beside a running daemon, which heeds it from then on: at the claim
and again just before it dials.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from dialerd.cli.common import (
    clean,
    config_option,
    local_time,
    output_option,
    print_json,
    print_table,
    tell,
)
from dialerd.cli.data_folder import data_option, opened, zone_of
from dialerd.cli.errors import FailedError
from dialerd.cli.numbers import load_numbering

if TYPE_CHECKING:
    from datetime import tzinfo

    from dialerd.core.records import DoNotCall
    from dialerd.store import LmdbStore
    from fastpath.numbers import Numbering

LINE_CHARS_MAX: Final = 200
BATCH: Final = 10_000
REFUSED_SHOWN_MAX: Final = 20

list_option = click.option(
    "--list",
    "kind",
    type=click.Choice(["own", "register", "blacklist"]),
    default="own",
    show_default=True,
    help="Ours, a public register, or nuisance numbers.",
)
campaign_option = click.option(
    "--campaign", metavar="NAME", default="", help="In this campaign only."
)
numbers_argument = click.argument("texts", metavar="NUMBER...", nargs=-1, required=True)


@click.group("dnc")
def dnc() -> None:
    """Numbers that nobody may dial: for good or for a while, everywhere or in one campaign.

    Which lists keep a campaign from calling is a matter of its regime: advertising heeds the
    public register, care of customers only our own list and the blacklist.
    """


class _Reader:
    """Reads texts as numbers; keeps a few of those that are none."""

    def __init__(self, numbering: Numbering) -> None:
        self._numbering = numbering
        self.refused = 0
        self.shown: list[str] = []

    def phone(self, text: str, where: str = "") -> int | None:
        """A number that could be dialed some day; whether it may be is not asked here."""
        found = self._numbering.analyse(text[:LINE_CHARS_MAX])
        if found.e164 is not None and len(text) <= LINE_CHARS_MAX:
            return int(found.e164[1:])
        self.refused += 1
        if self.refused <= REFUSED_SHOWN_MAX:
            self.shown.append(f"{where}{clean(text[:LINE_CHARS_MAX])}: {found.reason}")
        return None

    def settle(self) -> None:
        """Say what was refused, and fail for it."""
        for line in self.shown:
            click.echo(line, err=True)
        if self.refused:
            raise FailedError(f"{self.refused} of the numbers cannot be read and were left out")


@dnc.command("add")
@click.argument("texts", metavar="[NUMBER]...", nargs=-1)
@click.option(
    "--file",
    "source_file",
    metavar="FILE",
    type=click.File(encoding="utf-8-sig", errors="replace"),
    help="One number a line; - is standard input.",
)
@click.option("--source", metavar="TEXT", default="", help="Where the wish comes from.")
@click.option("--for", "length", metavar="TIME", help="Only so long, such as 90d. Else: for good.")
@list_option
@campaign_option
@data_option
@config_option
@output_option
def add(
    texts: tuple[str, ...],
    source_file: TextIO | None,
    source: str,
    data: Path | None,
    config_path: str | None,
    output: str,
    **where: Any,
) -> None:
    """Put numbers on a list. When it returns, they are not dialed any more.

    A number that is on it already keeps its first date and source, unless this holds for longer.
    """
    from dialerd.cli.spec_flags import seconds
    from dialerd.core.records import BanList, DoNotCall
    from dialerd.store import wait

    if not texts and source_file is None:
        raise click.UsageError("name numbers, or a file with --file")
    if len(source) > LINE_CHARS_MAX or not source.isprintable():
        raise click.UsageError(f"--source takes {LINE_CHARS_MAX} printable characters at most")
    reader = _Reader(load_numbering(config_path))
    at_ms = time.time_ns() // 1_000_000
    until_ms = at_ms + seconds(where["length"], "--for") * 1000 if where["length"] else 0
    kind = BanList(where["kind"])
    count = new = 0
    with opened(data, config_path, create=True) as store:
        campaign_id = _campaign(store, where["campaign"])
        for batch in _batches(_phones(reader, texts, source_file)):
            entries = [
                DoNotCall(phone, at_ms, source, kind, campaign_id, until_ms) for phone in batch
            ]
            new += wait(store.dnc_add(entries))
            count += len(batch)
    line = f"{new} added, {count - new} on the list before"
    tell(output, line, added=new, before=count - new, refused=reader.refused)
    reader.settle()


def _campaign(store: LmdbStore, name: str) -> int:
    return store.find_campaign(name).campaign_id if name else 0


def _phones(reader: _Reader, texts: Iterable[str], source_file: TextIO | None) -> Iterator[int]:
    for text in texts:
        if (phone := reader.phone(text)) is not None:
            yield phone
    for number, line in enumerate(_lines(source_file), 1):
        text = line.strip()
        if text and (phone := reader.phone(text, f"line {number}: ")) is not None:
            yield phone


def _lines(file: TextIO | None) -> Iterator[str]:
    """The lines of a file; of a line without end only as much as shows that it is no number."""
    while file is not None and (line := file.readline(LINE_CHARS_MAX + 2)):
        rest = line
        while not rest.endswith("\n") and rest:
            rest = file.readline(LINE_CHARS_MAX + 2)
        yield line


def _batches(phones: Iterable[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    for phone in phones:
        batch.append(phone)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@dnc.command("remove")
@numbers_argument
@list_option
@campaign_option
@data_option
@config_option
@output_option
def remove(
    texts: tuple[str, ...],
    kind: str,
    campaign: str,
    data: Path | None,
    config_path: str | None,
    output: str,
) -> None:
    """Take numbers off a list. People who were left out because of it stay left out."""
    from dialerd.core.records import BanList
    from dialerd.store import wait

    reader = _Reader(load_numbering(config_path))
    done: list[tuple[str, bool]] = []
    with opened(data, config_path) as store:
        of = _campaign(store, campaign)
        for phone in _phones(reader, texts, None):
            was_there = wait(store.dnc_remove(phone, kind=BanList(kind), campaign_id=of))
            done.append((f"+{phone}", was_there))
    line = "\n".join(f"{n} {'removed' if there else 'was not on the list'}" for n, there in done)
    tell(output, line, **{key: [n for n, there in done if there == found]
                          for key, found in (("removed", True), ("not_there", False))})  # fmt: skip
    reader.settle()


@dnc.command("check")
@numbers_argument
@data_option
@config_option
@output_option
def check(texts: tuple[str, ...], data: Path | None, config_path: str | None, output: str) -> None:
    """Say on which lists numbers are: since when, until when, from where, how often it counted."""
    reader = _Reader(load_numbering(config_path))
    zone = zone_of(config_path, data)
    with opened(data, config_path, readonly=True) as store:
        found = [(phone, store.bans(phone)) for phone in _phones(reader, texts, None)]
        names = {one.campaign_id: one.settings.name for one in store.campaigns()}
    if output == "json":
        print_json([_as_json(phone, entries, names, zone) for phone, entries in found])
    else:
        rows = []
        for phone, entries in found:
            rows += [(f"+{phone}", "yes", *_cells(entry, names, zone)) for entry in entries]
            if not entries:
                rows.append((f"+{phone}", "no", "", "", "", "", "", ""))
        print_table(
            ("number", "blocked", "since", "source", "list", "campaign", "until", "hits"), rows
        )
    reader.settle()


@dnc.command("list")
@list_option
@data_option
@config_option
@output_option
def list_(kind: str, data: Path | None, config_path: str | None, output: str) -> None:
    """Every number of a list, smallest first; not those of one campaign only."""
    import msgspec

    from dialerd.core.records import BanList

    zone = zone_of(config_path, data)
    before = "[\n"
    with opened(data, config_path, readonly=True) as store:
        for page in store.dnc_list(kind=BanList(kind)):
            if output == "json":
                objects = [
                    msgspec.json.encode(_entry_json(one, {}, zone) | {"number": f"+{one.phone}"})
                    for one in page
                ]
                click.echo(before + b",\n".join(objects).decode(), nl=False)
                before = ",\n"
            else:
                for one in page:
                    since, source, *_ = _cells(one, {}, zone)
                    click.echo(f"+{one.phone}  {since}  {clean(source)}".rstrip())
    if output == "json":
        click.echo("[]" if before == "[\n" else "\n]")


@click.group("blacklist")
def blacklist() -> None:
    """Numbers of nuisance callers: nobody dials them, their calls are refused and counted.

    The same as `dialerd dnc` with `--list blacklist`.
    """


def _of_blacklist(verb: click.Command) -> None:
    """The same verb, for which there is nothing to choose."""
    also = copy.copy(verb)
    also.params = [param for param in verb.params if param.name != "kind"]
    if verb.callback is not None and len(also.params) < len(verb.params):
        also.callback = partial(verb.callback, kind="blacklist")
    blacklist.add_command(also)


for _verb in (add, remove, check, list_):
    _of_blacklist(_verb)


def _cells(
    entry: DoNotCall, names: dict[int, str], zone: tzinfo
) -> tuple[str, str, str, str, str, str]:
    from datetime import UTC, datetime

    def at(ms: int) -> str:
        return local_time(datetime.fromtimestamp(ms / 1000, UTC), zone) if ms else ""

    campaign = names.get(entry.campaign_id, "")
    hits = str(entry.hits or "")
    return at(entry.at_ms), entry.source, entry.kind.value, campaign, at(entry.until_ms), hits


def _entry_json(entry: DoNotCall, names: dict[int, str], zone: tzinfo) -> dict[str, Any]:
    from dialerd.store.report import stamps

    stamp = stamps(zone)
    return {
        "blocked": True,
        "since": stamp(entry.at_ms),
        "source": entry.source,
        "list": entry.kind.value,
        "campaign": names.get(entry.campaign_id),
        "until": stamp(entry.until_ms) if entry.until_ms else None,
        "hits": entry.hits,
    }


def _as_json(
    phone: int, entries: list[DoNotCall], names: dict[int, str], zone: tzinfo
) -> dict[str, Any]:
    """The first entry speaks for the number; all are in `entries`."""
    told = [_entry_json(entry, names, zone) for entry in entries]
    first = told[0] if told else {"since": None, "source": None}
    return {
        "number": f"+{phone}",
        "blocked": bool(told),
        "since": first["since"],
        "source": first["source"],
        "entries": told,
    }
