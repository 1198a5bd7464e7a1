"""`dialerd prompt`: import recordings, list, show, remove, and hear them as callers do."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dialerd.cli.common import (
    clean,
    config_option,
    load_config,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_pairs,
    print_table,
    tell,
)
from dialerd.cli.data_folder import data_option
from dialerd.cli.errors import FailedError

if TYPE_CHECKING:
    from dialerd.shell.prompt_table import Shelves
    from dialerd.shell.prompts import Prompt
    from dialerd.store.prompt_library import Entry, Library

LANGUAGES = ("vi", "en")
PROGRESS_S_MIN = 60.0  # of audio: a shorter file is decoded before a bar could be read


@click.group("prompt")
def prompt() -> None:
    """Prompts: what callers hear, imported from recordings of any format."""


def _library(data: Path | None, config_path: str | None) -> Library:
    from dialerd.store.prompt_library import library_of

    return library_of(data or load_config(config_path).store.path)


@prompt.command("add")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="What campaigns call it (default: from FILE's name).")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Its language: NAME begins with it.")
@click.option(
    "--level", "level", metavar="DBOV", type=float,
    help="Active speech level, ITU-T P.56 (default: -20 dBov).",
)  # fmt: skip
@click.option("--replace", is_flag=True, help="Take the place of the prompt of that name.")
@data_option
@config_option
@output_option
def add(
    *, file: Path, name: str | None, lang: str | None, level: float | None, replace: bool,
    data: Path | None, config_path: str | None, output: str,
) -> None:  # fmt: skip
    """Import FILE: wav, mp3, m4a, ogg, opus, flac, 3gp, webm, aiff, amr and others.

    It becomes mono at 8 kHz, loses its constant offset and is brought to one level. What is wrong
    with the recording is told. A running daemon plays it from its next call on.
    """
    from datetime import UTC, datetime

    from dialerd.shell.levelling import LEVEL_DBOV
    from dialerd.shell.prompt_import import import_file, name_of
    from dialerd.store.prompt_library import check_name

    found = check_name(name or name_of(file, lang or ""))
    library = _library(data, config_path)
    if not replace and (taken := _taken(found, library, data, config_path)):
        raise FailedError(f"{taken}: --replace takes its place")
    entry, audio = import_file(
        file, found, lang or (found.split("/")[0] if found.startswith(("vi/", "en/")) else ""),
        datetime.now(UTC), level_dbov=LEVEL_DBOV if level is None else level,
        progress=_progress(file),
    )  # fmt: skip
    library.add(entry, audio, replace=replace)
    _tell(found, data, config_path)
    said = list(entry.warnings)
    if users := _used_by(found, library.folder.parent, approved=True):
        said.append(f"{', '.join(users)}: approved, will play this recording from the next call on")
    if output == "json":
        print_json(_as_json(entry) | {"warnings": said})
        return
    click.echo(
        f"{found}: {entry.seconds:.1f} s, {entry.level_dbov:.1f} dBov"
        f" (was {entry.level_before_dbov:.1f})"
    )
    for text in said:
        click.echo(f"warning: {clean(text)}", err=True)


def _taken(name: str, library: Library, data: Path | None, config_path: str | None) -> str:
    """What plays under this name already; empty when nothing does."""
    from dialerd.core.prompts_view import PromptError
    from dialerd.shell.prompts import SAMPLES

    if name in library:
        return f"there is a prompt {name} already"
    try:
        found = shelves(data, config_path, library).find(name)
    except PromptError:
        return ""
    if found.is_relative_to(SAMPLES):
        return f"{name} is one of the samples"
    return f"{name} is played from {found}"


def _progress(file: Path) -> Any:
    """A bar for a person who waits for a long file."""
    if not sys.stderr.isatty():
        return None

    def show(done_s: float, all_s: float) -> None:
        if all_s < PROGRESS_S_MIN:
            return
        share = min(1.0, done_s / all_s)
        end = "\n" if share == 1.0 else ""
        click.echo(f"\r{clean(file.name)}: {share:4.0%} decoded{end}", err=True, nl=False)

    return show


def _tell(name: str, data: Path | None, config_path: str | None, *, remove: bool = False) -> bool:
    """A running daemon takes the prompt as it is now, or removes it; whether there is one.

    The daemon removes it so that no campaign is made or approved meanwhile that names it.
    """
    from dialerd.cli.common import connect
    from dialerd.control.io_client import UnreachableError
    from dialerd.core.prompts_view import PromptChanged

    if data is not None and config_path is None and "DIALERD_SOCKET" not in os.environ:
        return False  # a data folder of its own: no daemon was named
    try:
        with connect(config_path) as client:
            client.call(PromptChanged(name=name, remove=remove))
    except UnreachableError:
        return False
    return True


@prompt.command("ls")
@data_option
@config_option
@output_option
def ls(data: Path | None, config_path: str | None, output: str) -> None:
    """The imported prompts."""
    entries = list(_library(data, config_path).entries())
    if output == "json":
        print_json([_as_json(entry) for entry in entries])
        return
    zone = load_zone(config_path)
    print_table(
        ("prompt", "seconds", "dBov", "imported", "from"),
        [
            (
                e.name, round(e.seconds, 1), f"{e.level_dbov:.1f}",
                local_time(e.imported_at, zone), e.file,
            )
            for e in entries
        ],
    )  # fmt: skip


@prompt.command("show")
@click.argument("name", metavar="NAME")
@data_option
@config_option
@output_option
def show(name: str, data: Path | None, config_path: str | None, output: str) -> None:
    """What is known of an imported prompt, and which campaigns use it."""
    library = _library(data, config_path)
    entry = _known(library, name)
    used = _used_by(name, library.folder.parent)
    if output == "json":
        print_json(_as_json(entry) | {"used_by": used})
        return
    print_pairs([
        ("prompt", entry.name), ("seconds", f"{entry.seconds:.2f}"),
        ("language", entry.lang or "-"),
        ("from", f"{entry.file}: {entry.codec} in {entry.container}, {entry.rate} Hz, "
                 f"{entry.channels} channel(s)"),
        ("imported", local_time(entry.imported_at, load_zone(config_path))),
        ("level", f"{entry.level_dbov:.1f} dBov (was {entry.level_before_dbov:.1f}, "
                  f"{entry.gain_db:+.1f} dB), peak {entry.peak_dbov:.1f} dBov"),
        ("speech", f"{entry.active:.0%} of the time"),
        ("sha256", entry.sha256),
        ("used by", ", ".join(used) or "no campaign"),
        *(("warning", text) for text in entry.warnings),
    ])  # fmt: skip


@prompt.command("rm")
@click.argument("name", metavar="NAME")
@data_option
@config_option
@output_option
def rm(name: str, data: Path | None, config_path: str | None, output: str) -> None:
    """Remove an imported prompt that no campaign uses any more."""
    library = _library(data, config_path)
    _known(library, name)
    if data is not None or not _tell(name, data, config_path, remove=True):
        from dialerd.control.checking import in_use

        if used := _used_by(name, library.folder.parent):
            raise FailedError(in_use(name, used))
        library.remove(name)
        _tell(name, data, config_path)
    tell(output, f"{name} removed", removed=name)


@prompt.command("play")
@click.argument("name", metavar="NAME")
@click.option(
    "-o", "--output", "target", metavar="FILE.wav", required=True,
    type=click.Path(path_type=Path), help="Where to write what callers hear.",
)  # fmt: skip
@click.option("--alaw", is_flag=True, help="As heard through A-law instead of mu-law.")
@data_option
@config_option
def play(
    *, name: str, target: Path, alaw: bool, data: Path | None, config_path: str | None
) -> None:
    """Write a prompt as callers hear it: 16-bit WAV at 8 kHz, through G.711 and back."""
    import wave

    from fastpath import g711

    audio = _audio(name, data, config_path)
    samples = g711.alaw_decode(audio.pcma) if alaw else g711.ulaw_decode(audio.pcmu)
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, 8_000, len(samples), "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    click.echo(f"{clean(str(target))}: {audio.seconds:.1f} s")


def _audio(name: str, data: Path | None, config_path: str | None) -> Prompt:
    """A prompt as a campaign would find it."""
    return shelves(data, config_path).read(name)


def shelves(data: Path | None, config_path: str | None, library: Library | None = None) -> Shelves:
    """Where the prompts of a data folder or a configuration lie."""
    from dialerd.shell.prompt_table import Shelves

    folders = () if data and not config_path else (load_config(config_path).media.prompts,)
    return Shelves(folders, library or _library(data, config_path))


def _known(library: Library, name: str) -> Entry:
    import difflib

    if name not in library:
        near = difflib.get_close_matches(name, library.names(), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else " (dialerd prompt ls shows all)"
        raise FailedError(f"there is no imported prompt {name!r}{hint}")
    return library.entry(name)


def _used_by(name: str, data: Path, *, approved: bool = False) -> list[str]:
    """Campaigns that are not finished, or approved and not finished, and may play it."""
    from dialerd.control.checking import APPROVED, UNFINISHED, users_of
    from dialerd.core.ports import StoreError
    from dialerd.store import open_store

    try:
        store = open_store(data, create=False, readonly=True, linger_s=0.0)
    except StoreError:
        return []  # nothing was ever stored here
    try:
        return users_of(name, store, APPROVED if approved else UNFINISHED)
    finally:
        store.close()


def _as_json(entry: Entry) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(entry)
    return found | {"seconds": round(entry.seconds, 3)}
