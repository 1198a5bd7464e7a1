"""`dialerd console`: the daemon's commands at a prompt, with live views, in the manner of fs_cli.

Every line is a command of its own with a connection of its own: a daemon that is stopped and
started again is talked to as before. Commands of the shell work without their first word.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from dialerd.cli import main
from dialerd.cli.console_commands import OWN

HISTORY_LINES: Final = 1_000
PROMPT: Final = "dialerd> "
LEAVE: Final = frozenset({"quit", "exit", "bye"})
NOT_HERE: Final = frozenset({"run", "demo", "console", "listen", "completion"})
HEAD: Final = "help: all commands; TAB completes; Ctrl-C ends a view, Ctrl-D the console"


class ConsoleGroup(main.LazyGroup):
    """The console's own commands and those of the shell."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Its own first."""
        theirs = [name for name in super().list_commands(ctx) if name not in NOT_HERE]
        return [*OWN, *(name for name in theirs if name not in OWN)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Its own first."""
        if cmd_name in NOT_HERE:
            return None
        return OWN.get(cmd_name) or super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """What is no command is said without a usage: a line has no program's name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            error.ctx = None
            raise

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """For the same reason."""
        formatter.write_usage("COMMAND", "[ARGS]...")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and a line of each."""
        with formatter.section("Of the console"):
            formatter.write_dl([(name, one.get_short_help_str(90)) for name, one in OWN.items()])
        rest = [name for name in self.list_commands(ctx) if name not in OWN]
        with formatter.section("As in the shell, without `dialerd`"):
            formatter.write_dl([(name, main.COMMANDS[name][1]) for name in rest])


GROUP: Final = ConsoleGroup(name="", context_settings={"help_option_names": ["--help"]})


@click.command("console")
@click.option("-c", "--command", "lines", multiple=True, help="Do this and leave. Repeatable.")
@click.option("--config", "config_path", metavar="FILE", help="Configuration file.")
def console(lines: tuple[str, ...], config_path: str | None) -> int:
    """Talk to the running daemon: `show calls`, `pacing NAME`, `trace NUMBER`, `events`, `help`.

    Lines come from the terminal, with completion and history; from -c, one each; or from standard
    input. Ends with the code of the last line that failed. It outlives restarts of the daemon.
    """
    if config_path is not None:
        os.environ["DIALERD_CONFIG"] = str(Path(config_path).absolute())  # for every line below
    if lines:
        return _all(iter(lines))
    if not sys.stdin.isatty():
        return _all(line.rstrip("\n") for line in sys.stdin)
    import readline  # not before: it writes to a terminal, and of pipes it makes nothing

    # Who was started in the background of a shell ignores it, and no view would ever end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    click.echo(HEAD)
    with _history(_history_file()):
        readline.set_completer(Completer(readline.get_line_buffer, readline.get_begidx))
        readline.set_completer_delims(" \t\n")
        readline.parse_and_bind("tab: complete")
        return _all(_typed())


def _typed() -> Iterator[str]:
    """Lines from the keyboard, until Ctrl-D or `quit`."""
    while True:
        try:
            line = input(PROMPT)
        except EOFError:
            click.echo()
            return
        except KeyboardInterrupt:  # the line is thrown away, as in a shell
            click.echo()
            continue
        if line.strip() in LEAVE:
            return
        yield line


def _all(lines: Iterator[str]) -> int:
    code = main.OK
    for line in lines:
        if line.strip() in LEAVE:
            break
        code = obey(line) or code
    return code


def obey(line: str) -> int:
    """Do what a line says; its exit code. Nothing it does ends the console."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        click.echo(f"error: {error}", err=True)
        return main.USAGE
    if not words:
        return main.OK
    if words[0] in ("help", "?"):
        words = [*words[1:], "--help"]
    try:
        code: Any = GROUP.main(args=words, prog_name="", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        click.echo()
        return main.INTERRUPTED
    except BrokenPipeError:
        raise
    # Whatever a command raises is told, and the next line is read.
    except Exception as error:
        return main.explain(error)
    return code if isinstance(code, int) else main.OK


class Completer:
    """What TAB offers, from the commands' own parser."""

    def __init__(self, line: Callable[[], str], begins: Callable[[], int]) -> None:
        """`line` is what was typed so far, `begins` where the word in question does."""
        self._line = line
        self._begins = begins
        self._found: list[str] = []

    def __call__(self, text: str, state: int) -> str | None:
        """Asked by readline for one after the other."""
        if state == 0:
            self._found = completions(self._line()[: self._begins()], text)
        return self._found[state] if state < len(self._found) else None


def completions(before: str, word: str) -> list[str]:
    """The words that may stand behind `before` and begin with `word`, each with a space."""
    from click.shell_completion import ShellComplete

    try:
        words = shlex.split(before)
    except ValueError:  # a quote is open
        return []
    found = ShellComplete(GROUP, {}, "", "").get_completions(words, word)
    names = [one.value for one in found if one.type == "plain"]
    if not words:
        names += [name for name in ("help", "quit") if name.startswith(word)]
    return [shlex.quote(name) + " " for name in names]


def _history_file() -> Path:
    """By the XDG base directory specification."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "dialerd" / "console_history"


@contextlib.contextmanager
def _history(file: Path) -> Iterator[None]:
    """Lines of before, and what is typed now for the next time; readable by its owner only."""
    import readline

    with contextlib.suppress(OSError):  # none yet, or none that we may read: begin without
        readline.read_history_file(file)
    readline.set_history_length(HISTORY_LINES)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # no home, or a full disk: nothing depends on it
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
            readline.write_history_file(file)
