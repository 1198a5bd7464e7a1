"""`dialerd script`: what agents go through with customers, and what customers answered.

Read and written straight in the store, beside a running daemon.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dialerd.cli.common import (
    clean,
    config_option,
    connect,
    local_time,
    output_option,
    print_json,
    print_table,
    read_spec,
    tell,
    who,
    write_file,
)
from dialerd.cli.data_folder import data_option, opened, zone_of
from dialerd.cli.errors import FailedError

if TYPE_CHECKING:
    from datetime import tzinfo

    from dialerd.core.script import Walk
    from dialerd.core.script_records import Answer, Item, Script, ScriptVersion
    from dialerd.core.script_spec import ScriptSpec

file_argument = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
version_option = click.option(
    "--version", "version", type=int, default=0, metavar="N", help="Default: the newest."
)


@click.group("script")
def script() -> None:
    """Scripts and surveys: what agents read out and ask, and what was answered.

    A script is a TOML file (conf/scripts has an example). Saving it again under its name makes a
    new version; a campaign keeps its own until it is switched.
    """


def _read(file: Path) -> ScriptSpec:
    from dialerd.core.script_spec import ScriptSpec, spec_faults

    return read_spec(file, ScriptSpec, spec_faults)


@script.command("check")
@file_argument
@output_option
def check(file: Path, output: str) -> None:
    """Say what is wrong with a script, with its place, or that nothing is."""
    from dialerd.core.script import questions
    from dialerd.core.script_spec import to_script

    spec = _read(file)
    found = to_script(spec)
    items, asked = len(found.items), len(questions(found))
    line = f"{file}: {items} items, {asked} questions, no fault"
    tell(output, line, file=str(file), name=spec.name, items=items, questions=asked)


@script.command("add")
@file_argument
@data_option
@config_option
@output_option
def add(file: Path, data: Path | None, config_path: str | None, output: str) -> None:
    """Save a script; under a name that is taken, as its next version."""
    from dialerd.core.script_spec import to_script
    from dialerd.store import wait

    spec = _read(file)
    with opened(data, config_path, create=True) as store:
        at_ms = time.time_ns() // 1_000_000
        saved = wait(store.save_script(spec.name, to_script(spec), who(), at_ms))
        running = [
            c.settings.name
            for c in store.campaigns()
            if c.settings.script == saved.name and 0 < c.settings.script_version < saved.version
        ]
    if output == "json":
        new = saved.at_ms == at_ms
        print_json({"name": saved.name, "version": saved.version, "new": new})
        return
    same = "" if saved.at_ms == at_ms else ": nothing has changed"
    click.echo(f"{clean(saved.name)} is version {saved.version}{same}")
    for name in running:
        click.echo(
            f"{clean(name)!r} keeps its version; switch it: dialerd campaign switch", err=True
        )


@script.command("ls")
@data_option
@config_option
@output_option
def ls(data: Path | None, config_path: str | None, output: str) -> None:
    """Every script with its newest version."""
    with opened(data, config_path, readonly=True) as store:
        found = store.scripts()
    _versions(found, zone_of(config_path, data), output)


@script.command("show")
@click.argument("name")
@version_option
@click.option("--versions", "all_versions", is_flag=True, help="Who saved which one, and when.")
@data_option
@config_option
@output_option
def show(
    name: str,
    version: int,
    all_versions: bool,  # noqa: FBT001
    data: Path | None,
    config_path: str | None,
    output: str,
) -> None:
    """One version of a script, the newest one or any before it."""
    from dialerd.core.script_spec import spec_of

    with opened(data, config_path, readonly=True) as store:
        versions = store.script_versions(name)
        found = store.script(name, version)
    if all_versions:
        _versions(versions, zone_of(config_path, data), output)
    elif output == "json":
        print_json(spec_of(found.name, found.script))
    else:
        click.echo(f"{clean(found.name)}, version {found.version} of {len(versions)}")
        for item in found.script.items:
            click.echo()
            _item(item)
            _ways(item)


def _versions(found: list[ScriptVersion], zone: tzinfo, output: str) -> None:
    at = [datetime.fromtimestamp(one.at_ms / 1000, UTC) for one in found]
    if output == "json":
        print_json(
            [
                {"name": one.name, "version": one.version, "saved_at": when, "who": one.who}
                for one, when in zip(found, at, strict=True)
            ]
        )
        return
    rows = [
        (one.name, one.version, len(one.script.items), local_time(when, zone), one.who)
        for one, when in zip(found, at, strict=True)
    ]
    print_table(("name", "version", "items", "saved", "who"), rows)


def _item(item: Item, fields: dict[str, str] | None = None) -> None:
    """As an agent sees it."""
    from dialerd.core.chain import read_out
    from dialerd.core.script_answers import expected

    for line in read_out(item.text, fields or {}).split("\n"):
        click.echo(f"  {clean(line)}")
    if item.asks is None:
        return
    required = "required" if item.required else "may be left out"
    click.echo(f"  [{item.item_id}] {item.asks}, {required}: {clean(expected(item))}")
    for choice in item.choices:
        click.echo(f"    - {clean(choice.choice_id)}: {clean(choice.text)}")
    if item.hint:
        click.echo(f"    ({clean(item.hint)})")


def _ways(item: Item) -> None:
    for branch in item.branches:
        said = [branch.answer] if branch.answer else []
        said += [f"from {branch.least}"] if branch.least else []
        said += [f"up to {branch.most}"] if branch.most else []
        said += ["left out"] if branch.left_out else []
        click.echo(f"    {clean(' '.join(said))} -> {branch.to}")
    click.echo(f"    -> {item.then}")


def _pairs(texts: tuple[str, ...], flag: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if any(not sign for _, sign, _ in pairs):
        raise click.UsageError(f"{flag} takes NAME=VALUE")
    return {name: value for name, _, value in pairs}


@script.command("preview")
@click.argument("script_name", metavar="FILE|NAME")
@version_option
@click.option("--answer", "answers", multiple=True, metavar="ID=VALUE", help="Repeat.")
@click.option("--field", "fields", multiple=True, metavar="COLUMN=VALUE", help="Repeat.")
@click.option("--ask", is_flag=True, help="Ask for the answers one by one.")
@data_option
@config_option
@output_option
def preview(
    script_name: str,
    version: int,
    answers: tuple[str, ...],
    fields: tuple[str, ...],
    ask: bool,  # noqa: FBT001
    data: Path | None,
    config_path: str | None,
    output: str,
) -> None:
    """What an agent sees: all up to the first question without an answer.

    FILE is a TOML file that need not be saved yet; anything else is the name of a saved script.
    """
    from dialerd.core.script import END, walk
    from dialerd.core.script_spec import to_script

    if script_name.endswith(".toml") or os.sep in script_name:
        found = to_script(_read(Path(script_name)))
    else:
        with opened(data, config_path, readonly=True) as store:
            found = store.script(script_name, version).script
    if ask and output == "json":
        raise click.UsageError("--ask talks with a person; give --answer with -o json")
    values = _typed(found, _pairs(answers, "--answer"))
    customer = _pairs(fields, "--field")
    stands = walk(found, values)
    if output == "json":
        seen_ids = [item.item_id for item in stands.path]
        print_json({"seen": seen_ids, "answers": stands.answers, "waits_for": stands.at or None})
        return
    _seen(stands, customer, 0)
    while ask and stands.at != END:
        seen = len(stands.path)
        values[stands.at] = _asked(found, stands.at)
        stands = walk(found, values)
        _seen(stands, customer, seen)
    click.echo("end" if stands.complete else f"waits for an answer to {stands.at}")


def _typed(found: Script, given: dict[str, str]) -> dict[str, Answer]:
    from dialerd.core.script import answered
    from dialerd.core.script_answers import AnswerError

    values: dict[str, Answer] = {}
    for item_id, text in given.items():
        try:
            values[item_id] = answered(found, item_id, text)
        except AnswerError as error:
            raise FailedError(f"{item_id}: {error}") from None
    return values


def _asked(found: Script, item_id: str) -> Answer:
    from dialerd.core.script import answered
    from dialerd.core.script_answers import AnswerError

    while True:
        try:
            return answered(
                found, item_id, click.prompt(f"  {item_id}", default="", show_default=False)
            )
        except AnswerError as error:
            click.echo(f"  {error}")


def _seen(stands: Walk, fields: dict[str, str], after: int) -> None:
    from dialerd.core.script_answers import shown

    for item in stands.path[after:]:
        _item(item, fields)
        if item.item_id in stands.answers:
            click.echo(f"    = {clean(shown(item, stands.answers[item.item_id])) or 'left out'}")
        click.echo()


@script.command("answer")
@click.argument("campaign", metavar="CAMPAIGN")
@click.argument("lead", type=click.IntRange(min=1))
@click.option("--answer", "answers", multiple=True, metavar="ID=VALUE", help="Repeat.")
@click.option("--attempt", type=int, default=0, metavar="N", help="Default: the last call.")
@click.option("--agent", default="", metavar="NAME", help="Who asked.")
@config_option
@output_option
def answer(
    *, campaign: str, lead: int, answers: tuple[str, ...], attempt: int, agent: str,
    config_path: str | None, output: str,
) -> None:  # fmt: skip
    """The questionnaire of a customer of CAMPAIGN, by the running daemon; keep what is answered.

    Without `--answer` it is shown as it stands: half filled, it goes on where it was left.
    """
    from dialerd.core.scripts_view import GetSheet, SaveAnswers

    with connect(config_path) as client:
        found = client.call(GetSheet(campaign=campaign, lead=lead, attempt=attempt))
        if answers:
            given: dict[str, Answer] = {**_pairs(answers, "--answer")}
            at = found.attempt
            found = client.call(
                SaveAnswers(campaign=campaign, lead=lead, attempt=at, answers=given, agent=agent)
            )
    if output == "json":
        print_json(found)
        return
    for item in found.items:
        click.echo("  " + clean(item.text))
        if item.asks is not None:
            said = (clean(item.shown) or "left out") if item.answered else clean(item.expects)
            click.echo(f"  [{item.id}] {'= ' if item.answered else ''}{said}")
    click.echo("end" if found.complete else f"waits for an answer to {found.at}")


@script.command("export")
@click.argument("campaign", metavar="CAMPAIGN")
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "xlsx"]),
    help="Default: by the end of OUT's name.",
)
@data_option
@config_option
@output_option
def export(
    campaign: str,
    target: Path,
    form: str | None,
    data: Path | None,
    config_path: str | None,
    output: str,
) -> None:
    """What the people of CAMPAIGN (name or id) answered: a row per customer.

    One column for each question; a question with several choices has one for each choice. The
    columns of the list stand behind. No cell is taken for a formula.
    """
    from dialerd.store.survey import Survey

    form = form or target.suffix.removeprefix(".").lower()
    if form not in {"csv", "xlsx"}:
        raise click.UsageError("say --format csv or xlsx, or end OUT in one of them")
    with opened(data, config_path, readonly=True) as store:
        number = store.find_campaign(campaign).campaign_id
        survey = Survey(store, number, zone_of(config_path, data))
        if form == "csv":
            write_file(target, survey.csv())
        else:
            _xlsx(survey, target)
    tell(output, "", file=str(target), format=form)
    click.echo(f"wrote {target}", err=True)


def _xlsx(survey: Any, target: Path) -> None:
    """Beside the target first, then renamed: all of it or nothing."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w+b") as out:
            survey.xlsx(out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
