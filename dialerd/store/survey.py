"""What a campaign's people answered, for spreadsheets: a row per customer, a column per question.

A question with several choices has one column for each choice, so that a spreadsheet can count and
filter it; everything else has one. The columns are those of every version that was used, a question
that two versions share standing once. Of several attempts of one customer the newest answer to each
question counts; answers that a change cut off are left out.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, time, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from dialerd.core.records import Contact, Lead
from dialerd.core.script import questions, walk
from dialerd.core.script_answers import shown
from dialerd.core.script_records import Answer, Asks, Choice, Item, ScriptVersion
from dialerd.core.spreadsheet import safe
from dialerd.store import answers, reading
from dialerd.store.answers import Answered
from dialerd.store.lead_numbers import number_of
from dialerd.store.unit import Unit

if TYPE_CHECKING:
    from dialerd.store.base import BaseStore

BOM: Final = "\ufeff"
XLSX_ROWS_MAX: Final = 1_048_575  # of a sheet, without its head
XLSX_YEAR_MIN: Final = 1901  # a spreadsheet has no dates before
XLSX_CHARS_MAX: Final = 32_767  # of a cell; longer texts are cut there
OURS: Final = ("number", "state", "outcome", "script", "answered_at", "agent", "complete")
YES: Final = "yes"


class Surveyed(NamedTuple):
    """One customer of a campaign with what was answered, oldest attempt first."""

    lead: Lead
    contact: Contact
    sheets: tuple[Answered, ...]


class Column(NamedTuple):
    """A column of the table: a question, or one choice of a question with several."""

    title: str
    item: Item
    choice: Choice | None = None


def rows(unit: Unit, campaign_id: int, after: int, limit: int) -> list[Surveyed]:
    """The next leads after one, with their answers."""
    found = reading.report_chunk(unit, campaign_id, after, limit)
    if not found:
        return []
    ids = found[0].lead.lead_id, found[-1].lead.lead_id
    sheets = answers.of_leads(unit, campaign_id, *ids)
    return [
        Surveyed(row.lead, row.contact, tuple(sheets.get(row.lead.lead_id, ()))) for row in found
    ]


class Survey:
    """The table of one campaign."""

    def __init__(self, store: BaseStore, campaign_id: int, zone: tzinfo) -> None:
        """NotFoundError when there is no such campaign."""
        from dialerd.store.report import stamps

        self._store = store
        self._campaign_id = campaign_id
        self._stamp = stamps(zone)
        self._versions: dict[tuple[int, int], ScriptVersion] = {}
        settings = store.campaign(campaign_id).settings
        self._fields = store.columns(campaign_id)
        self.columns = self._columns(settings.script)

    def _columns(self, script: str) -> list[Column]:
        """Of all versions, the newest first: its order of questions is the table's."""
        found: dict[tuple[str, str], Column] = {}
        versions = self._store.script_versions(script) if script else []
        for saved in reversed(versions):
            self._versions[saved.script_id, saved.version] = saved
            for item in questions(saved.script):
                for choice in item.choices if item.asks is Asks.MULTI else (None,):
                    key = (item.item_id, choice.choice_id if choice else "")
                    title = f"{item.item_id}: {choice.text}" if choice else item.item_id
                    found.setdefault(key, Column(title, item, choice))
        used = self._used()
        return [
            column
            for (item_id, _), column in found.items()
            if item_id in used or self._in_newest(item_id, versions)
        ]

    def _in_newest(self, item_id: str, versions: Sequence[ScriptVersion]) -> bool:
        return any(item.item_id == item_id for item in versions[-1].script.items)

    def _used(self) -> set[str]:
        """Questions that somebody of this campaign answered."""
        return {
            question
            for chunk in self._store.survey(self._campaign_id)
            for row in chunk
            for sheet in row.sheets
            for question in sheet.answers
        }

    @property
    def head(self) -> list[str]:
        """The titles, each once: a column of the list named like another gets a suffix."""
        titles: list[str] = []
        asked = [(column.title, " (question)") for column in self.columns]
        for name, suffix in (
            [(n, "") for n in OURS] + asked + [(n, " (list)") for n in self._fields]
        ):
            title = name
            while title in titles:
                title += suffix
            titles.append(title)
        return titles

    def rows(self) -> Iterator[list[Any]]:
        """One for each customer, in the order of the list: texts, numbers, dates, times."""
        for chunk in self._store.survey(self._campaign_id):
            for row in chunk:
                yield self._row(row)

    def _row(self, row: Surveyed) -> list[Any]:
        values: dict[str, tuple[Item, Answer]] = {}
        newest, complete, script = None, False, ""
        for sheet in row.sheets:
            saved = self._versions.get((sheet.sheet.script_id, sheet.sheet.version))
            if saved is None or not sheet.answers:
                continue
            stands = walk(saved.script, sheet.values)
            by_id = {item.item_id: item for item in stands.path}
            values |= {one: (by_id[one], value) for one, value in stands.answers.items()}
            last = max(sheet.answers.values(), key=lambda kept: kept.at_ms)
            newest = last if newest is None or last.at_ms >= newest.at_ms else newest
            complete, script = stands.complete, f"{saved.name}@{saved.version}"
        lead = row.lead
        ours = [
            str(phone) if (phone := number_of(lead, row.contact)) else "",
            lead.state.name.lower(),
            lead.outcome or "",
            script,
            self._stamp(newest.at_ms) if newest else "",
            newest.agent if newest else "",
            (YES if complete else "no") if newest else "",
        ]
        cells = [_cell(column, values.get(column.item.item_id)) for column in self.columns]
        return [*ours, *cells, *(row.contact.fields.get(name, "") for name in self._fields)]

    def csv(self) -> Iterator[bytes]:
        """UTF-8 with a byte order mark; no cell is a formula to a spreadsheet."""
        out = io.StringIO()
        write = csv.writer(out).writerow
        out.write(BOM)
        write([safe(title) for title in self.head])
        for row in self.rows():
            write([safe(cell) if isinstance(cell, str) else _plain(cell) for cell in row])
            if out.tell() > 1 << 20:
                yield out.getvalue().encode("utf-8", "replace")
                out.seek(0)
                out.truncate()
        yield out.getvalue().encode("utf-8", "replace")

    def xlsx(self, out: BinaryIO, scratch: Path | None = None) -> None:
        """Write a workbook; texts are texts whatever they begin with, dates and times are such.

        Its rows wait in the folder `scratch` until all are there (None: that of the system).

        Raises:
            OSError: the file cannot be written.
        """
        import xlsxwriter
        from xlsxwriter.exceptions import FileCreateError

        book = xlsxwriter.Workbook(
            out,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "tmpdir": str(scratch or tempfile.gettempdir()),
            },
        )
        day, clock = (
            book.add_format({"num_format": "yyyy-mm-dd"}),
            book.add_format({"num_format": "hh:mm"}),
        )
        bold = book.add_format({"bold": True})
        sheet, at, part = None, 0, 0
        for row in self.rows():
            if sheet is None or at > XLSX_ROWS_MAX:
                part += 1
                sheet, at = _sheet(book, part, self.head, bold), 1
            for column, value in enumerate(row):
                match value:
                    case "":
                        continue
                    case str():
                        sheet.write_string(at, column, _writable(value))
                    case date() if value.year < XLSX_YEAR_MIN:
                        sheet.write_string(at, column, value.isoformat())
                    case date():
                        sheet.write_datetime(at, column, value, day)
                    case time():
                        sheet.write_datetime(at, column, value, clock)
                    case _:
                        sheet.write_number(at, column, value)
            at += 1
        if sheet is None:
            _sheet(book, 1, self.head, bold)
        try:
            book.close()
        except FileCreateError as error:
            raise OSError(f"cannot write the workbook: {error}") from None


def _sheet(book: Any, part: int, head: Sequence[str], bold: Any) -> Any:
    sheet = book.add_worksheet(f"answers {part}" if part > 1 else "answers")
    for column, title in enumerate(head):
        sheet.write_string(0, column, _writable(title), bold)
    sheet.freeze_panes(1, 1)
    return sheet


def _writable(text: str) -> str:
    """What XML can hold, and a cell."""
    return "".join(
        c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff") else "\N{REPLACEMENT CHARACTER}"
        for c in text[:XLSX_CHARS_MAX]
    )


def _cell(column: Column, found: tuple[Item, Answer] | None) -> Any:
    """As a spreadsheet should hold it: a telephone number stays a text."""
    if found is None or found[1] is None:
        return ""
    item, value = found
    if column.choice is not None:
        return YES if isinstance(value, tuple) and column.choice.choice_id in value else "no"
    if item.asks is Asks.DATE and isinstance(value, str):
        return date.fromisoformat(value)
    if item.asks is Asks.TIME and isinstance(value, str):
        return time.fromisoformat(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return shown(item, value)


def _plain(cell: Any) -> Any:
    return f"{cell:%H:%M}" if isinstance(cell, time) else cell
