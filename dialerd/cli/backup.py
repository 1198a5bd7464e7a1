"""`dialerd backup`, `verify`, `restore` and `fsck`: copies of the store, and how sound they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dialerd.cli.common import (
    config_option,
    load_config,
    output_option,
    print_json,
    print_pairs,
)
from dialerd.cli.data_folder import data_option
from dialerd.cli.errors import FailedError
from dialerd.cli.progress import waiting

if TYPE_CHECKING:
    from dialerd.store.examine import Findings


def _folder(data: Path | None, config_path: str | None) -> Path:
    return data or load_config(config_path).store.path


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Of the backups in the folder TARGET keep the newest N, remove the others.",
)
@data_option
@config_option
@output_option
def backup(
    target: Path, keep: int | None, data: Path | None, config_path: str | None, output: str
) -> None:
    """Copy the store into one file, while the daemon runs or not.

    TARGET is a new file, or a folder: then the file is named by the time. The copy is read whole
    before it gets its name, and FILE.sha256 is written beside it.
    """
    from admin_http.people import copying
    from dialerd.store import copies

    if keep is not None and not target.is_dir():
        raise click.UsageError(f"--keep goes with a folder; make it first: mkdir -p {target}")
    with waiting("copying", wanted=output != "json") as watch:
        made = copies.backup(_folder(data, config_path), target, watch)
    people = copying.backup(_folder(data, config_path), made.file)
    removed = copies.prune(target, keep) if keep is not None else []
    for file in removed:
        copying.beside(file).unlink(missing_ok=True)
    if output == "json":
        print_json(
            {
                "file": str(made.file),
                "people": str(people) if people else None,
                "bytes": made.size,
                "sha256": made.sha256,
                "records": made.findings.records,
                "removed": [str(file) for file in removed],
            }
        )
        return
    print_pairs(
        [
            ("file", str(made.file)),
            *([("users, tokens, audit log", str(people))] if people else []),
            ("size", f"{made.size / 2**20:,.1f} MiB"),
            ("sha256", made.sha256),
            ("records", f"{sum(made.findings.records.values()):,}, all of them read"),
            *([("removed", ", ".join(file.name for file in removed))] if removed else []),
        ]
    )


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@output_option
def verify(file: Path, output: str) -> None:
    """Read a backup whole: is it what was written, is every record sound?"""
    from admin_http.people import copying
    from dialerd.store import copies

    with waiting("reading", wanted=output != "json"):
        copying.verify(file)
        found = copies.verify(file)
    _tell(found, str(file), output)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@data_option
@config_option
@output_option
def restore(file: Path, data: Path | None, config_path: str | None, output: str) -> None:
    """Make a backup the store; the daemon must not run.

    The backup is verified first. The store that was there is kept beside it, under another name.
    What was dialed after the backup was made is not in it: such numbers may be called again. Users,
    tokens and the audit log come back too when FILE.admin is beside it; nobody is logged in then.
    """
    from admin_http.people import copying
    from dialerd.store import copies

    folder = _folder(data, config_path)
    with waiting("verifying, then copying", wanted=output != "json"):
        copying.verify(file)
        aside = copies.restore(file, folder)
        copying.restore(file, folder)
    if output == "json":
        print_json({"data": str(folder), "aside": str(aside) if aside else None})
        return
    click.echo(f"{folder} holds {file} now")
    if aside:
        click.echo(f"the store of before is {aside}")


@click.command("fsck")
@data_option
@config_option
@click.option(
    "--ledger",
    "ledgers",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True),
    help="What a carrier or a bank of modems saw, as the simulated ones write it, or a folder of "
    "such files; may be given several times. A bank's file has the bank's name: sims.jsonl.",
)
@output_option
def fsck(
    data: Path | None, config_path: str | None, ledgers: tuple[Path, ...], output: str
) -> None:
    """Check every record and every rule of the store; of a running daemon's, on a copy.

    Exit status 1 when something does not hold.
    """
    from dialerd.store import copies

    folder = _folder(data, config_path)
    with waiting("reading", wanted=output != "json"):
        findings = copies.check(folder)
        calls = None
        if ledgers and findings.sound:
            findings, calls = _against(folder, ledgers, findings)
    _tell(findings, str(folder), output)
    if calls is not None and output != "json":
        click.echo(f"{calls:,} calls in the ledgers: doubled 0, lost 0, mismatched 0")


def _against(folder: Path, ledgers: tuple[Path, ...], findings: Findings) -> tuple[Findings, int]:
    """Hold the carriers' ledgers against the store; with how many calls are in them."""
    import msgspec

    from dialerd.core.ids import attempt_of
    from dialerd.core.records import FrequencyCap
    from dialerd.sim import checkers
    from dialerd.sim.ledger import Books, is_of_bank, merged, read_ledgers
    from dialerd.store import open_store
    from dialerd.store.limits import PROBLEMS_MAX

    store = open_store(folder, readonly=True)
    try:
        campaigns = store.campaigns()
        rows = [
            row
            for campaign in campaigns
            for chunk in store.report(campaign.campaign_id)
            for row in chunk
        ]
        caps = [campaign.settings.cap for campaign in campaigns]
    finally:
        store.close()
    books = Books()
    for path in (
        file for one in ledgers for file in (sorted(one.glob("*.jsonl")) if one.is_dir() else [one])
    ):
        found = read_ledgers([path])
        if is_of_bank(found):
            found = checkers.of_attempts(found, rows, path.stem)
        books = merged(books, found)
    # A number may be in campaigns of different caps: the most lenient accuses nobody wrongly.
    cap = FrequencyCap(
        max((cap.calls_max for cap in caps), default=1),
        min((cap.window_s for cap in caps), default=0),
    )
    faults = [
        *checkers.doubled(books, cap, attempt_of),
        *checkers.lost(books, rows, attempt_of),
        *checkers.mismatched(books, rows),
    ]
    lines = [f"{fault.kind}: {fault.phone} {fault.call_id} {fault.text}" for fault in faults]
    if books.damaged:
        lines.append(f"{books.damaged} lines of the ledgers cannot be read")
    left = max(0, len(lines) - PROBLEMS_MAX)
    told = msgspec.structs.replace(findings, problems=lines[:PROBLEMS_MAX], more=left)
    return told, len(books.calls)


def _tell(findings: Findings, what: str, output: str) -> None:
    """Print them; FailedError when something is wrong."""
    if output == "json":
        print_json(findings)
        if not findings.sound:
            raise FailedError(f"{what} is not sound")
        return
    if findings.refused:
        raise FailedError(findings.refused)
    for line in findings.problems:
        click.echo(line)
    if findings.more:
        click.echo(f"and {findings.more} more")
    if findings.problems:
        raise FailedError(f"{what} is not sound: {len(findings.problems) + findings.more} findings")
    click.echo(f"{what} is sound: {sum(findings.records.values()):,} records read")
