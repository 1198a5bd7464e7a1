"""`dialerd import`: people from a file into a list."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from dialerd.cli.common import (
    clean,
    config_option,
    load_config,
    output_option,
    print_json,
    print_pairs,
)
from dialerd.cli.errors import FailedError
from dialerd.cli.numbers import load_numbering
from dialerd.cli.progress import waiting

if TYPE_CHECKING:
    from dialerd.importer.io_import import Options, Progress
    from dialerd.importer.summary import Summary
    from fastpath.numbers import Numbering

REASONS_SHOWN_MAX = 8
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def _mapping(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    pairs: tuple[str, ...],
) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = (part.strip() for part in pair.rpartition("="))
        if not equals or not column or not field or not field.isprintable():
            raise click.BadParameter(f"{pair!r} is not COLUMN=FIELD, as in 'Số máy=phone'")
        if column in found:
            raise click.BadParameter(f"the column {column!r} is mapped twice")
        found[column] = field
    return found


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-l", "--list", "list_name", metavar="NAME", required=True, help="List to add to.")
@click.option(
    "-m",
    "--map",
    "mapping",
    metavar="COLUMN=FIELD",
    multiple=True,
    callback=_mapping,
    help="Keep a column (by title, or position from 1) under another name; the field 'phone' is "
    "the number, 'phone2' to 'phone9' are further numbers of the same person. Repeatable.",
)
@click.option(
    "--one-number", is_flag=True, help="Columns of further numbers are texts like all others."
)
@click.option(
    "--duplicates",
    type=click.Choice(["keep", "skip"]),
    default="keep",
    show_default=True,
    help="Numbers that are in another list already: add them here too, or leave them out.",
)
@click.option(
    "--restart", is_flag=True, help="Begin with the first row, though an import was cut short."
)
@click.option("--header/--no-header", default=None, help="Whether the first row holds titles.")
@click.option("-n", "--dry-run", is_flag=True, help="Read and count, store nothing.")
@click.option(
    "--reject-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where refused rows go (default: FILE.rejected.csv beside the input).",
)
@click.option("--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder.")
@config_option
@output_option
def import_(  # noqa: PLR0913, PLR0917
    file: Path,
    list_name: str,
    mapping: dict[str, str],
    one_number: bool,  # noqa: FBT001
    duplicates: str,
    restart: bool,  # noqa: FBT001
    header: bool | None,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    reject_file: Path | None,
    data: Path | None,
    config_path: str | None,
    output: str,
) -> None:
    """Add the people of a CSV or XLSX file to a list, which is made when there is none.

    Encoding, delimiter, titles and the columns of numbers are found out; every column is kept. Of a
    workbook the first sheet is read.
    A number that is in the list already is left out, so an import can be run again. One that was
    cut short goes on behind its last commit when the same command is given again.
    """
    from dialerd.importer.io_import import Options

    numbering = load_numbering(config_path)
    options = Options(
        mapping,
        header=header,
        reject_file=reject_file,
        several=not one_number,
        skip_elsewhere=duplicates == "skip",
        restart=restart,
        resumes=lambda row: click.echo(f"going on behind row {row}", err=True),
    )
    folder = None if dry_run else data or load_config(config_path).store.path
    bar = output == "table" and sys.stderr.isatty()
    summary = import_people(file, list_name, numbering, options, folder, bar=bar)
    if output == "json":
        print_json(summary)
    else:
        _show(summary)
    if summary.valid + summary.duplicate == 0:
        raise FailedError(f"no row of {file} holds a number that may be dialed")


def import_people(
    file: Path,
    list_name: str,
    numbering: Numbering,
    options: Options,
    folder: Path | None,
    *,
    bar: bool,
) -> Summary:
    """Import a file into a list of that folder's store (None: only count); FailedError."""
    from admin_http.jobs import JobError
    from admin_http.workbooks import as_csv, is_workbook
    from dialerd.importer.io_import import ImportFailedError, import_file
    from dialerd.store import open_store

    store = open_store(folder, yields=True) if folder else None
    at_ms = time.time_ns() // 1_000_000

    async def work(progress: Progress) -> Summary:
        with tempfile.TemporaryDirectory(prefix="dialerd-") as place:
            how = options
            if is_workbook(file):
                sheet = Path(place) / "sheet.csv"
                await as_csv(file, sheet, lambda _rows: None)
                how = msgspec.structs.replace(options, text=sheet)
            return await import_file(
                file, list_name, numbering, store, at_ms=at_ms, options=how, progress=progress
            )

    try:
        with waiting(clean(file.name), wanted=bar) as progress:
            return asyncio.run(work(progress))
    except ImportFailedError as error:
        raise FailedError(str(error)) from None
    except JobError as error:
        raise FailedError(f"cannot import {file}: {error}") from None
    finally:
        if store is not None:
            store.close()


def _show(summary: Summary) -> None:
    where = "dry run, nothing stored" if summary.dry_run else f"list {summary.list_name!r}"
    read = (
        f"{summary.encoding}, {DELIMITER_NAMES.get(summary.delimiter, summary.delimiter)}, "
        f"{'titles' if summary.header else 'no titles'}, phone in {summary.phone_column!r}"
    )
    pairs: list[tuple[str, object]] = [
        ("read", f"{summary.rows} rows ({read})"),
        ("imported", f"{summary.valid} ({where})"),
        ("converted", f"{summary.converted} of them from an old number"),
        ("duplicate", summary.duplicate),
        ("rejected", summary.rejected),
    ]
    if summary.other_columns:
        kept = summary.further - summary.known
        left = f"{summary.known} known and {summary.unusable} unusable left out"
        columns = ", ".join(map(repr, summary.other_columns))
        pairs.append(("further", f"{kept} more numbers from {columns}; {left}"))
    if summary.elsewhere:
        what = f"{summary.elsewhere} are in another list too, {summary.left_out} of them left out"
        pairs.append(("elsewhere", what))
    common = sorted(summary.reasons.items(), key=lambda item: (-item[1], item[0]))
    pairs += [(f"  {code}", count) for code, count in common[:REASONS_SHOWN_MAX]]
    if summary.blank:
        pairs.append(("blank", summary.blank))
    if summary.reject_file:
        pairs.append(("reject file", summary.reject_file))
    print_pairs(pairs)
