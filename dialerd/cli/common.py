"""What several commands share: options, the way to the daemon, tables and JSON."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

if TYPE_CHECKING:
    from dialerd.config import Config
    from dialerd.control.io_client import SyncClient
    from dialerd.core.flow_checks import FlowFault
    from dialerd.core.script import ScriptFault
    from dialerd.core.spec_parts import Spec

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T", bound="Spec")

CELL_CHARS_MAX = 60
COMPLETION_S = 1.0  # how long a TAB waits for the daemon

config_option = click.option(
    "-c",
    "--config",
    "config_path",
    metavar="FILE",
    help="Configuration file (default: $DIALERD_CONFIG, conf/dialerd.toml, /etc/dialerd).",
)


def output_option(function: F) -> F:
    """`-o table|json`, and `--json` for short; the command gets `output`."""
    function = click.option("--json", "output", flag_value="json", help="The same as -o json.")(
        function
    )
    return click.option(
        "-o",
        "--output",
        "output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="How to print the result.",
    )(function)


def load_config(config_path: str | None) -> Config:
    """The checked configuration without its secrets, which no command needs; ConfigError."""
    from dialerd.config import find_config, load

    return load(find_config(config_path), secrets=False)


def read_spec(
    file: Path, kind: type[T], faults: Callable[[T], Iterable[FlowFault | ScriptFault]]
) -> T:
    """A TOML file as what it describes; all of `faults` are told with their place; ConfigError."""
    from dialerd.toml_load import Fault, read

    return read(
        file,
        kind,
        rules=lambda spec: [Fault(fault.pointer, fault.text) for fault in faults(spec)],
    )


def load_zone(config_path: str | None) -> tzinfo | None:
    """The zone that times are shown and read in; None, this machine's, without a configuration."""
    from dialerd.config import ConfigError, parse_zone

    try:
        return parse_zone(load_config(config_path).dialing.zone)
    except ConfigError:  # the daemon was named by DIALERD_SOCKET alone
        return None


def control_socket(config_path: str | None) -> Path:
    """Where the daemon is asked: $DIALERD_SOCKET, or as that configuration says; ConfigError."""
    named = os.environ.get("DIALERD_SOCKET")
    return Path(named) if named else load_config(config_path).control.socket


def connect(config_path: str | None, timeout_s: float = 0.0) -> SyncClient:
    """A client of the daemon of that configuration; UnreachableError when there is none.

    `timeout_s`: for an answer; 0: as usual.
    """
    from dialerd.control.io_client import TIMEOUT_S, SyncClient

    path = control_socket(config_path)
    return SyncClient(path, timeout_s or TIMEOUT_S, slow=partial(_slow, path))


def all_pages(
    config_path: str | None, ask: Callable[..., Any], first: int | str = 0
) -> Iterator[Any]:
    """Everything of a listing, page by page; ControlError.

    `ask` is its request, which gets `after`: `first`, and then the `next` of the page before.
    """
    with connect(config_path) as client:
        after: int | str | None = first
        more = True
        while more:
            page = client.call(ask(after=after))
            yield from page.items
            after, more = page.next, bool(page.next)


def campaign_names(
    ctx: click.Context,  # noqa: ARG001 - click's shape
    param: click.Parameter,  # noqa: ARG001
    begun: str,
) -> list[str]:
    """Campaigns whose names begin so, for completion; none when the daemon does not say."""
    from dialerd.control.io_client import SyncClient
    from dialerd.core.control import ControlError, ListCampaigns
    from dialerd.core.control_base import PAGE_MAX
    from dialerd.toml_faults import TomlError

    try:
        with SyncClient(control_socket(None), COMPLETION_S) as client:
            found = client.call(ListCampaigns(limit=PAGE_MAX)).items
    except (ControlError, TomlError):  # a person who presses TAB is told nothing, not a fault
        return []
    return [one.name for one in found if one.name.startswith(begun)]


def _slow(path: Path, wait_s: float) -> None:
    text = f"no answer yet from the daemon on {path}; waiting {wait_s:.0f} s"
    click.echo(text, err=True)


def who() -> str:
    """The person at the terminal, for the record: login name, and who became root."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo {behind[:32]})" if behind.isprintable() and behind else name


def examined(counters: Mapping[str, float]) -> str:
    """How far the store is examined after a stop that was none; empty when it is not."""
    if not counters.get("store_examining"):
        return ""
    waits = (
        "no lead is claimed until that is done"
        if counters["store_claims_wait"]
        else ("what is dialed from is sound, the rest is read beside calls")
    )
    return f"examined after a crash, {counters['store_examined_part']:.0%}: {waits}"


def print_json(value: Any) -> None:
    """Indented when a person reads it, one line for a program."""
    import msgspec

    text = msgspec.json.encode(value)
    if sys.stdout.isatty():
        text = msgspec.json.format(text, indent=2)
    click.echo(text.decode())


def tell(output: str, line: str, **facts: Any) -> None:
    """What a command has done: a line to a person, the same facts as one object to a program."""
    if output == "json":
        print_json(facts)
    elif line:
        click.echo(line)


def coloured(stream: TextIO) -> bool:
    """Whether colours may be written there: a terminal, and NO_COLOR (no-color.org) is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def painted(text: str, colour: str | None) -> str:
    """A text for standard output in a colour, where colours may be written."""
    return click.style(text, fg=colour) if colour and coloured(sys.stdout) else text


def clean(text: str) -> str:
    """Nothing from the store or the network reaches the terminal as a control sequence."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def print_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned columns, all but the last cut to a width; numbers to the right."""
    texts = [[*map(_cell, row[:-1]), clean(str(row[-1]))] for row in rows]
    widths = [
        max([width(head[i]), *(width(row[i]) for row in texts)], default=0)
        for i in range(len(head))
    ]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(head))
    ]
    bold = coloured(sys.stdout)
    click.secho(_line(head, widths, right), bold=bold or None, color=bold)
    for row in texts:
        click.echo(_line(row, widths, right))


def _cell(value: Any) -> str:
    text = clean(str(value))
    return text if len(text) <= CELL_CHARS_MAX else text[: CELL_CHARS_MAX - 1] + "…"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, columns, to_the_right in zip(cells, widths, right, strict=True):
        space = " " * (columns - width(cell))
        padded.append(space + cell if to_the_right else cell + space)
    return "  ".join(padded).rstrip()


def print_pairs(pairs: Sequence[tuple[str, Any]]) -> None:
    """Names and values, one pair a line."""
    columns = max((width(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        click.echo(f"{name}{' ' * (columns - width(name))}  {clean(str(value))}".rstrip())


def local_time(at: datetime, zone: tzinfo | None = None) -> str:
    """A time as people read it, in the given zone (None: this machine's), which it names."""
    return at.astimezone(zone).isoformat(" ", "seconds")


def write_file(target: Path, pieces: Iterable[bytes]) -> None:
    """All of it under its name or nothing: written beside, then renamed. Readable by its owner.

    What is no file, a pipe or a terminal, is written as it stands. OSError names the target.
    """
    if target.exists() and not target.is_file():
        target.write_bytes(b"".join(pieces))
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as out:
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
    except OSError as error:
        error.filename = str(target)  # the user knows this one
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
