"""`dialerd announcements`: learn what carriers say of numbers, and keep it in a bank."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from dialerd.cli.announcement_files import (
    ahead,
    bank_folder,
    bank_of,
    file_name,
    files_of,
    heard_folder,
    printed,
    read,
    tried,
)
from dialerd.cli.common import (
    clean,
    config_option,
    output_option,
    print_json,
    print_table,
    tell,
)
from dialerd.cli.data_folder import data_option
from dialerd.cli.progress import waiting

if TYPE_CHECKING:
    from dialerd.detect.bank import AnnouncementBank
    from dialerd.detect.bank_learn import Clusters
    from dialerd.detect.bank_prints import Samples

F = TypeVar("F", bound=Callable[..., Any])

CLUSTERS: Final = "clusters.json"
KINDS: Final = (
    "switched_off", "unreachable", "invalid", "blocked", "busy", "leave_message", "no_credit",
    "other",
)  # fmt: skip

bank_option = click.option(
    "--bank", metavar="DIR", type=click.Path(path_type=Path),
    help="The bank (default: that of the configuration).",
)  # fmt: skip
_kind = click.Choice(KINDS)


def _described(function: F) -> F:
    """What is told of an announcement when it is put into the bank."""
    for option in (
        click.option("--language", metavar="LANG", default="", help="Such as vi or en."),
        click.option("--label", metavar="TEXT", help="What people call it (default: its file)."),
        click.option("--carrier", metavar="NAME", required=True, help="Whose it is: viettel."),
    ):
        function = option(function)
    return function


@click.group("announcements")
def announcements() -> None:
    """What carriers say instead of ringing: switched off, does not exist, busy.

    Record unanswered calls, `learn` groups them, `label` names a group once; from then on calls
    that hear it are told apart. `add` puts a recording into the bank at once.
    """


@announcements.command("learn")
@click.argument("paths", metavar="[FILE|FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@bank_option
@data_option
@config_option
@output_option
def learn(
    paths: tuple[Path, ...], *, bank: Path | None, data: Path | None, config_path: str | None,
    output: str,
) -> None:  # fmt: skip
    """Group recordings by what is said in them; without any, those that the daemon collected.

    The groups are kept beside the bank for `label`. Files that cannot be read are told, and the
    exit code is 1.
    """
    from dialerd.detect.bank_learn import Heard, cluster, save_clusters

    folder = bank_folder(bank, config_path, makes=True)
    files = files_of(paths or (heard_folder(data, config_path),))
    whole, failed, quiet = bank_of(folder), 0, 0
    heard: list[Heard] = []
    with waiting("reading") as progress:
        for number, (path, prints, error) in enumerate(printed(files)):
            progress(number, len(files))
            if prints is None:
                failed += 1
                click.echo(f"{clean(str(path))}: {clean(error)}", err=True)
            elif prints.sound_s:
                heard.append(Heard(file_name(path), prints))
            else:
                quiet += 1
    with waiting("comparing") as progress:
        found = cluster(heard, whole, progress)
    folder.mkdir(parents=True, exist_ok=True)
    save_clusters(folder / CLUSTERS, found)
    if output == "json":
        print_json({
            "files": len(files), "unreadable": failed, "silent": quiet,
            "too_short": len(heard) - sum(one.size for one in found.clusters),
            "clusters": [_cluster_json(one) for one in found.clusters],
        })  # fmt: skip
    else:
        _print_clusters(found)
        grouped = sum(one.size for one in found.clusters)
        click.echo(
            f"{len(files)} files: {grouped} in {len(found.clusters)} groups, {quiet} without a "
            f"voice, {len(heard) - grouped} too short, {failed} unreadable"
        )
    if failed:
        sys.exit(1)


def _cluster_json(one: Any) -> dict[str, Any]:
    return {
        "cluster": one.name, "size": one.size, "known": one.known or None, "example": one.example,
        "seconds": one.seconds, "sound_s": one.sound_s,
        "files": [{"file": m.path, "offset_s": m.offset_s, "ber": m.ber} for m in one.members],
    }  # fmt: skip


def _print_clusters(found: Clusters) -> None:
    print_table(
        ("cluster", "files", "seconds", "known as", "listen to"),
        [
            (one.name, one.size, one.seconds, one.known or "-", one.example)
            for one in found.clusters
        ],
    )


@announcements.command("label")
@click.argument("cluster", metavar="CLUSTER")
@click.argument("kind", metavar="CLASS", type=_kind)
@_described
@bank_option
@config_option
@output_option
def label(
    cluster: str, kind: str, *, carrier: str, label: str | None, language: str, bank: Path | None,
    config_path: str | None, output: str,
) -> None:  # fmt: skip
    """Name a group that `learn` found; its example goes into the bank.

    CLASS is one of switched_off, unreachable, invalid, blocked, busy, leave_message, no_credit,
    other.
    """
    from dialerd.cli.errors import FailedError
    from dialerd.detect.bank_learn import load_clusters, save_clusters, with_known

    folder = bank_folder(bank, config_path, makes=True)
    kept = folder / CLUSTERS
    try:
        found = load_clusters(kept)
    except FileNotFoundError:
        raise FailedError(f"{kept}: no groups yet; `dialerd announcements learn` makes them") from (
            None
        )
    except ValueError as error:
        raise FailedError(str(error)) from None
    for one in found.clusters:
        if one.name == cluster:
            break
    else:
        names = ", ".join(each.name for each in found.clusters[:20])
        raise FailedError(f"no group {cluster!r}; there are {names or 'none'}")
    if one.known:
        raise FailedError(f"{cluster} is known as {one.known}")
    path = Path(one.example)
    value = _add(
        path, read(path), kind, carrier, label or file_name(Path(path.stem)), language, folder,
        output,
    )  # fmt: skip
    save_clusters(kept, with_known(found, cluster, value))
    _say_reload()


@announcements.command("add")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--class", "kind", type=_kind, required=True, help="What it says of the number.")
@_described
@bank_option
@config_option
@output_option
def add(
    files: tuple[Path, ...], *, kind: str, carrier: str, label: str | None, language: str,
    bank: Path | None, config_path: str | None, output: str,
) -> None:  # fmt: skip
    """Put recordings into the bank, each an announcement by itself, whole or nearly so.

    Those that cannot be put there are told, and the exit code is 1.
    """
    from dialerd.cli.errors import FailedError, describe
    from dialerd.core.prompts_view import PromptError

    folder = bank_folder(bank, config_path, makes=True)
    bank_of(folder)  # tells what is wrong with it, once
    added = 0
    for path in files:
        name = label or file_name(Path(path.stem))
        try:
            _add(path, read(path), kind, carrier, name, language, folder, output)
            added += 1
        except (FailedError, PromptError, OSError) as error:
            click.echo(describe(error)[1], err=True)
    if added:
        _say_reload()
    if added < len(files):
        sys.exit(1)


def _say_reload() -> None:
    click.echo("`dialerd reload` makes a running daemon hear by it", err=True)


def _add(
    path: Path, samples: Samples, kind: str, carrier: str, label: str, language: str,
    folder: Path, output: str,
) -> str:  # fmt: skip
    """Write it into the bank, unless the bank has it as something else; returns its value."""
    from dialerd.cli.errors import FailedError
    from dialerd.detect.bank import compose, read_bank
    from dialerd.detect.bank_file import Kind, write_announcement
    from dialerd.detect.bank_prints import SOUND_S_MIN, prints_of

    prints = prints_of(samples)
    if prints.sound_s < SOUND_S_MIN:
        raise FailedError(
            f"{path}: {prints.sound_s:.1f} s of sound; at least {SOUND_S_MIN:.1f} s are needed"
        )
    whole, _ = read_bank(folder)
    for entry, recording in zip(whole.entries, whole.recordings, strict=True):
        if entry.kind == kind and recording.codes == prints.codes:
            raise FailedError(f"{path}: the bank has it already, as {clean(entry.value)}")
    kinds = [one.kind for one in whole.entries]
    others = zip(kinds, whole.recordings, strict=True)
    try:
        _, shared, _ = compose([*others, (Kind(kind), prints)])
    except ValueError as error:
        raise FailedError(f"{folder}: {error}") from None
    if shared[-1] > 0.8:
        raise FailedError(
            f"{path}: the bank has it already, of another class; `test` says as what, `remove` "
            "takes that away"
        )
    try:
        written = write_announcement(
            folder, prints, label=label, kind=Kind(kind), carrier=carrier, language=language,
            made_of=file_name(Path(path.name)),
        )  # fmt: skip
    except ValueError as error:
        raise FailedError(str(error)) from None
    value = f"{kind}:{carrier}:{label}"
    line = f"{clean(value)}  {prints.seconds:.1f} s  {written}"
    tell(output, line, value=value, seconds=round(prints.seconds, 3), file=str(written))
    return value


@announcements.command("list")
@bank_option
@config_option
@output_option
def list_(*, bank: Path | None, config_path: str | None, output: str) -> None:
    """What the bank holds, and how much of each is in others of another class as well."""
    whole = bank_of(bank_folder(bank, config_path))
    rows = list(zip(whole.entries, whole.paths, whole.shared, strict=True))
    if output == "json":
        print_json([
            {
                "class": one.kind, "carrier": one.carrier, "label": one.label,
                "language": one.language, "seconds": one.seconds, "shared": shared,
                "file": str(path),
            }
            for one, path, shared in rows
        ])  # fmt: skip
        return
    if not rows:
        click.echo("empty; `learn` groups recordings, `add` puts one into it")
        return
    print_table(
        ("carrier", "class", "language", "seconds", "shared", "name", "label"),
        [
            (one.carrier, one.kind, one.language or "-", one.seconds, f"{shared:.0%}",
             f"{one.carrier}/{path.stem}", one.label)
            for one, path, shared in rows
        ],
    )  # fmt: skip


@announcements.command("remove")
@click.argument("names", metavar="CARRIER/NAME...", nargs=-1, required=True)
@bank_option
@config_option
@output_option
def remove(
    names: tuple[str, ...], *, bank: Path | None, config_path: str | None, output: str
) -> None:
    """Take announcements out of the bank; `list` shows their names."""
    from dialerd.cli.errors import FailedError
    from dialerd.detect.bank import files

    folder = bank_folder(bank, config_path)
    there = {f"{path.parent.name}/{path.stem}": path for path in files(folder)}
    missing = [name for name in names if name not in there]
    if missing:
        raise FailedError(f"no announcement {missing[0]!r}; `list` shows the names")
    for name in dict.fromkeys(names):
        there[name].unlink()
        there[name].with_suffix(".prints").unlink(missing_ok=True)
    tell(output, "", removed=list(dict.fromkeys(names)))
    _say_reload()


@announcements.command("test")
@click.argument("paths", metavar="FILE|FOLDER...", nargs=-1, required=True,
                type=click.Path(path_type=Path))  # fmt: skip
@bank_option
@config_option
@output_option
def test(
    paths: tuple[Path, ...], *, bank: Path | None, config_path: str | None, output: str
) -> None:
    """Say which announcement each recording is, by the live matcher.

    A match after 2 s is a candidate; `sure` is what the daemon acts on. With --json each file gets
    a line; the exit code is 1 when a file could not be read.
    """
    whole, failed = bank_of(bank_folder(bank, config_path)), False
    for path, found in ahead(files_of(paths), lambda path: _tested(path, whole)):
        failed |= "error" in found
        if output == "json":
            click.echo(json.dumps({"file": file_name(path)} | found, ensure_ascii=False))
        else:
            click.echo(_test_line(path, found))
    if failed:
        sys.exit(1)


def _tested(path: Path, whole: AnnouncementBank) -> dict[str, Any]:
    from fastpath.prints import PrintMatcher

    samples = tried(path)
    if isinstance(samples, str):
        return {"error": samples}
    found = PrintMatcher(whole.prints).hear(samples.data)
    matches = [
        {
            "class": str(whole.entries[one.ref].kind), "carrier": whole.entries[one.ref].carrier,
            "label": whole.entries[one.ref].label, "sure": one.sure, "ber": round(one.ber, 3),
            "at_s": one.at_ms / 1000, "from_s": one.from_ms / 1000,
            "position_s": one.position_ms / 1000,
        }
        for one in found
    ]  # fmt: skip
    sure = [one for one in matches if one["sure"]]
    best = sure[0] if sure else matches[-1] if matches else None
    nothing = dict.fromkeys(("class", "carrier", "label", "ber", "at_s"))
    head = nothing | {"sure": False} if best is None else best
    keys = ("class", "carrier", "label", "sure", "ber", "at_s")
    return {
        **{key: head[key] for key in keys}, "seconds": round(len(samples) / 8_000, 3),
        "matches": matches,
    }  # fmt: skip


def _test_line(path: Path, found: dict[str, Any]) -> str:
    if "error" in found:
        return f"{clean(str(path))}  error: {clean(found['error'])}"
    if found["class"] is None:
        return f"{clean(str(path))}  unknown"
    sure = "" if found["sure"] else "  candidate only"
    value = clean(f"{found['class']}:{found['carrier']}:{found['label']}")
    return f"{clean(str(path))}  {value}  at {found['at_s']:.2f} s  BER {found['ber']:.2f}{sure}"
