"""`dialerd tones`: tone plans; list, check, and learn from recordings."""

from __future__ import annotations

from pathlib import Path

import click

from dialerd.cli.common import output_option, print_json, print_table, tell, write_file
from dialerd.cli.errors import FailedError

KINDS = ("ringback", "busy", "congestion", "dial", "other")


@click.group("tones")
def tones() -> None:
    """Tone plans: what ringback, busy and other tones sound like, by country or trunk."""


@tones.command("list")
@click.argument("plans", metavar="[PLAN...]", nargs=-1)
@output_option
def list_(plans: tuple[str, ...], output: str) -> None:
    """The plans that come with dialerd, or the tones of PLAN (a name, or a .toml file)."""
    import msgspec

    from dialerd.detect.tone_plan import find_plan, read_plan, shipped
    from dialerd.toml_faults import TomlError

    try:
        files = {name: find_plan(name) for name in plans or shipped()}
    except TomlError as error:
        raise click.BadParameter(str(error).removeprefix("error: "), param_hint="PLAN") from None
    found = {name: read_plan(file) for name, file in files.items()}
    if output == "json":
        print_json({name: msgspec.to_builtins(plan) for name, plan in found.items()})
    elif not plans:
        rows = [(name, plan.title, len(plan.tone)) for name, plan in found.items()]
        print_table(("plan", "title", "tones"), rows)
    else:
        print_table(
            ("plan", "tone", "hertz", "on, off, s"),
            [
                (
                    name, tone.name or tone.kind, _hertz(tone.hertz, tone.modulated_hertz),
                    ", ".join(f"{one:g}" for one in tone.cadence_s) or "never stops",
                )
                for name, plan in found.items() for tone in plan.tone
            ],
        )  # fmt: skip


def _hertz(hertz: tuple[float, ...], modulated: float) -> str:
    text = " + ".join(f"{one:g}" for one in hertz)
    return f"{text} x {modulated:g}" if modulated else text


@tones.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=Path)
@output_option
def check(files: tuple[Path, ...], output: str) -> None:
    """Say what is wrong with plan files: every fault with its line."""
    from dialerd.detect.tone_plan import read_plan

    for path in files:
        count = len(read_plan(path).tone)
        line = f"{path}: {count} tone{'s' if count != 1 else ''}, right"
        tell(output, line, file=str(path), tones=count)


@tones.command("learn")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=Path)
@click.option("--as", "kind", required=True, type=click.Choice(KINDS), help="What the tone means.")
@click.option("--name", default="", metavar="NAME", help="Its name, when it is another.")
@click.option(
    "--into", metavar="PLAN.toml", type=Path,
    help="Add it to this plan; made when it is not there.",
)  # fmt: skip
@output_option
def learn(files: tuple[Path, ...], *, kind: str, name: str, into: Path | None, output: str) -> None:
    """Measure a tone in recordings of it: frequencies and rhythm, as lines of a plan.

    A recording may be of any format; it holds one tone, at least three rounds of its rhythm.
    """
    import numpy as np

    from dialerd.detect.tone_learn import LearnError, lines, same_tone
    from dialerd.detect.tone_learn import learn as measure
    from dialerd.shell.hearing import listen

    if (kind == "other") != bool(name):
        raise click.UsageError(
            "--name belongs to --as other only" if name else "--as other wants --name NAME"
        )
    try:
        nothing = np.zeros(0, np.int16)
        heard = [np.concatenate([nothing, *listen(path)]) for path in files]
        if len(files) > 1:
            same_tone(dict(zip(map(str, files), heard, strict=True)))
        learned = measure(heard, kind, name)
    except LearnError as error:
        raise FailedError(f"{', '.join(str(path) for path in files)}: {error}") from None
    text = lines(learned)
    tell(output, text.removesuffix("\n"), tone=learned.tone, bursts=learned.bursts,
         hertz_off=learned.hertz_off, step_off_s=learned.step_off_s)  # fmt: skip
    if into is not None:
        _add(into, text)


def _add(path: Path, text: str) -> None:
    """Write the plan with one more tone, when it is then still right."""
    from dialerd.detect.tone_plan import plan_of

    before = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = f"{before.rstrip()}\n\n{text}" if before.strip() else text
    plan_of(whole, path)
    write_file(path, [whole.encode()])
    click.echo(f"added to {path}", err=True)
