"""`dialerd detect`: who and what is heard in recordings, by the daemon's own detectors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from dialerd.cli.common import F, clean, output_option, write_file
from fastpath.amd_classic import DEFAULTS

if TYPE_CHECKING:
    from dialerd.detect.audio import Findings, Samples
    from fastpath.progress import Attention

AHEAD: Final = 4  # files in work for each thread
PROGRESS_EVERY: Final = 25
PATH_CHARS_MAX: Final = 4_096


class DetectCommand(click.Command):
    """`--explain` takes a place or none: what follows it is one when it ends in / or .png."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give every --explain without a place an empty one."""
        given = list(args)
        for at, arg in enumerate(args):
            if arg == "--":
                break
            following = args[at + 1] if at + 1 < len(args) else ""
            if arg == "--explain" and not _is_place(following):
                given[at] = "--explain="
        return super().parse_args(ctx, given)


def _is_place(text: str) -> bool:
    return text.endswith(("/", ".png")) or (text != "" and Path(text).is_dir())


class Way(NamedTuple):
    """How files are heard."""

    asked: Attention
    early_media: bool
    channel: int | None
    explain: str | None  # a place for pictures, empty: beside each file


def _classic_options(function: F) -> F:
    """Every parameter of the classic rule by its usual name."""
    for name, value in reversed(DEFAULTS.items()):
        unit = {"maximum_number_of_words": "N", "silence_threshold": "LEVEL"}.get(name, "MS")
        flag = f"--{name.replace('_', '-')}"
        text = f"Of --classic (default: {value})."
        kind = click.IntRange(0, 600_000)
        function = click.option(flag, name, metavar=unit, type=kind, help=text)(function)
    return function


@click.command("detect", cls=DetectCommand)
@click.argument("files", metavar="FILE|DIR...", nargs=-1, type=Path)
@click.option(
    "--files-from", metavar="FILE", type=click.File("r", errors="surrogateescape"),
    help="Hear also the files named there, one a line; - is standard input.",
)  # fmt: skip
@click.option("--early-media", is_flag=True, help="Before the answer: what is heard, no verdict.")
@click.option(
    "--explain", metavar="[DIR/|FILE.png]",
    help="Draw each file as a PNG: beside it (FILE.png), into a folder, or as that file.",
)  # fmt: skip
@click.option(
    "--channel", metavar="N", type=click.IntRange(1, 32),
    help="Of a file of several channels hear this one (default: all together).",
)  # fmt: skip
@click.option(
    "--model", "model_path", metavar="FILE", type=Path,
    help="Another model of who answered (default: conf/amd/model.toml).",
)  # fmt: skip
@click.option(
    "--tones", metavar="PLANS", help='Tone plans by name, as in "vn us" (default: all there are).'
)
@click.option(
    "--bank", metavar="DIR", type=Path,
    help="With --early-media: another bank of announcements (default: conf/announcements).",
)  # fmt: skip
@click.option("--classic", is_flag=True, help="Who answered by the classic rule, as Asterisk's.")
@_classic_options
@output_option
def detect(  # noqa: PLR0913 - one for each option
    files: tuple[Path, ...],
    *,
    files_from: Iterable[str] | None,
    early_media: bool,
    explain: str | None,
    channel: int | None,
    model_path: Path | None,
    tones: str | None,
    bank: Path | None,
    classic: bool,
    output: str,
    **parameters: int | None,
) -> None:
    """Say who answered in each recording, a person or a machine, and what else is heard.

    A recording begins where the call was answered; any format and rate. Of a folder all files are
    heard, those below it too, but for hidden ones and pictures. The detectors are those of the
    daemon. With --json each file gets one line, in the order given: verdict, verdict_at_s,
    confidence, reason, seconds and events; what could not be read has an error, the verdict
    unknown, and makes the exit code 1.
    """
    from dialerd.cli.announcement_files import bank_folder, bank_of
    from dialerd.detect.audio import attention
    from dialerd.detect.model import DEFAULT, load_model
    from dialerd.detect.tone_plan import load_book

    paths = _files(chain(files, map(Path, _named(files_from or ()))))
    first = list(islice(paths, 2))
    given = {name: value for name, value in parameters.items() if value is not None}
    _check(first, given, explain, classic=classic, model_path=model_path)
    if early_media and (classic or model_path is not None):
        raise click.UsageError("--early-media has no verdict: neither --classic nor --model")
    asked = attention(
        given if classic else load_model(model_path or DEFAULT),
        book=load_book(tones) if tones else None,
        bank=bank_of(bank_folder(bank)) if bank else None,
    )
    way = Way(asked, early_media, channel, explain)
    failed = False
    for number, (path, found) in enumerate(_all(chain(first, paths), way), 1):
        failed |= "error" in found
        if output == "json":
            click.echo(json.dumps({"file": _name(path)} | found, ensure_ascii=False))
        else:
            click.echo(_line(path, found))
        _progress(number)
    _progress(0)
    if failed:
        sys.exit(1)


def _check(
    first: list[Path], given: dict[str, int], explain: str | None, *, classic: bool,
    model_path: Path | None,
) -> None:  # fmt: skip
    """What does not go together; UsageError."""
    if not first:
        raise click.UsageError("no FILE; name some, or a list of them with --files-from")
    if given and not classic:
        flag = next(iter(given)).replace("_", "-")
        raise click.UsageError(f"--{flag} is a parameter of --classic")
    if classic and model_path is not None:
        raise click.UsageError("--classic has no --model")
    if explain is not None and explain.endswith(".png") and len(first) > 1:
        raise click.UsageError("--explain FILE.png is for one FILE; name a folder for several")


def _named(lines: Iterable[str]) -> Iterator[str]:
    """The paths of a list."""
    for line in lines:
        path = line.rstrip("\r\n")
        if path:
            yield path


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Each folder's files in their order, links to others not followed; itself when it has none.

    Pictures are what `--explain` has left there.
    """
    import os

    for path in paths:
        if "\0" in str(path) or not os.path.isdir(path):
            yield path
            continue
        none = True
        for folder, below, names in os.walk(path):
            below[:] = sorted(name for name in below if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and not name.endswith(".png"):
                    none = False
                    yield Path(folder, name)
        if none:
            yield path  # which is said to be no file


def _name(path: Path) -> str:
    """As JSON can say it: octets that are no UTF-8 are replaced."""
    return str(path).encode(errors="surrogateescape").decode(errors="replace")


def _progress(number: int) -> None:
    """On a terminal, how many files are done; 0 ends the line."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        return
    if number == 0:
        click.echo("\r\x1b[K", nl=False, err=True)
    elif number % PROGRESS_EVERY == 0:
        click.echo(f"\r{number} files", nl=False, err=True)


def _all(paths: Iterable[Path], way: Way) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each file's findings in order, some read ahead."""
    import os

    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        work, rest = partial(_one, way=way), iter(paths)
        queue = [(path, pool.submit(work, path)) for path in islice(rest, AHEAD * workers)]
        while queue:
            path, done = queue.pop(0)
            yield path, done.result()
            queue += [(following, pool.submit(work, following)) for following in islice(rest, 1)]


def _one(path: Path, *, way: Way) -> dict[str, Any]:
    import msgspec

    from dialerd.core.prompts_view import PromptError
    from dialerd.detect.audio import Findings, hear
    from dialerd.shell.hearing import listen

    try:
        if "\0" in str(path) or len(str(path)) > PATH_CHARS_MAX:
            raise PromptError(f"{str(path)[:40]!r}: not a file")
        drawn: list[Samples] = []
        pieces = listen(path, way.channel)
        if way.explain is not None:
            pieces = _drawn(pieces, drawn)
        found = hear(pieces, early_media=way.early_media, asked=way.asked)
        picture = _explain(path, drawn, found, way.explain)
    except (PromptError, OSError) as error:
        nothing = Findings(
            None if way.early_media else "unknown", None if way.early_media else 0.0, 0.0,
            "unreadable", 0.0, [],
        )  # fmt: skip
        return {**msgspec.to_builtins(nothing), "error": _text(error)}
    return {**msgspec.to_builtins(found), **picture}


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error).encode(errors="surrogateescape").decode(errors="replace")


def _drawn(pieces: Iterable[Samples], kept: list[Samples]) -> Iterator[Samples]:
    """Hand on all, and keep what a picture has room for."""
    from dialerd.detect.audio import RATE
    from dialerd.detect.explain import SECONDS_MAX

    for piece in pieces:
        if sum(map(len, kept)) < SECONDS_MAX * RATE:
            kept.append(piece)
        yield piece


def _explain(path: Path, kept: list[Samples], found: Findings, place: str | None) -> dict[str, str]:
    """Draw it where it was asked for."""
    if place is None:
        return {}
    import io

    import numpy as np

    from dialerd.detect.explain import draw

    target = Path(place) if place.endswith(".png") else (
        (Path(place) if place else path.parent) / f"{path.name}.png"
    )  # fmt: skip
    picture = io.BytesIO()
    samples = np.concatenate([np.zeros(0, np.int16), *kept])
    draw(_name(path), samples, found, picture)
    target.parent.mkdir(parents=True, exist_ok=True)  # only for what there is to be written
    write_file(target, [picture.getvalue()])
    return {"picture": _name(target)}


def _line(path: Path, found: dict[str, Any]) -> str:
    """One file for people."""
    if "error" in found:
        return f"error: {clean(found['error'])}"
    said = "" if found["verdict"] is None else f"  {found['verdict']}"
    if found["verdict_at_s"] is not None:
        said += f" at {found['verdict_at_s']:.2f} s"
        said += f" ({found['confidence']:.0%})" if found["confidence"] else ""
        said += "" if found["reason"] == "model" else f": {found['reason']}"
    events = "".join(
        f"\n    {one['at_s']:7.2f} - {one['until_s']:.2f} s  {one['type']} {one['value']}"
        for one in found["events"]
    )
    picture = f"\n    {found['picture']}" if "picture" in found else ""
    return f"{clean(_name(path))}{said}{events}{picture}"
