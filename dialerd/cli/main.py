"""The `dialerd` command: a group whose commands are imported only when they run.

A command is a click command named as in `COMMANDS`, in a module of `dialerd.cli`. It says what went
wrong by raising: the exit code and the one line on standard error are decided here, nowhere else.

    0 ok   1 failed   2 wrong usage   3 configuration   4 the daemon cannot be reached
"""

from __future__ import annotations

import copy
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
CONFIG: Final = 3
UNREACHABLE: Final = 4
INTERRUPTED: Final = 130  # 128 + SIGINT, as a shell expects

# name -> (module in dialerd.cli, one line of help), in the order that --help shows.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("demo", "Watch a whole campaign on simulated lines."),
    "simulate": ("simulate", "Simulate days of dialing before they go live."),
    "run": ("run", "Run the daemon."),
    "check-config": ("run", "Check a configuration file and show what is wrong with it."),
    "import": ("import_", "Import a CSV or XLSX file of people into a list."),
    "list": ("lists", "Imported lists."),
    "campaign": ("campaign", "Create, approve, start, pause and finish campaigns."),
    "apply": ("apply", "Make scripts, flows, lists and campaigns be as a file says."),
    "leads": ("people", "People of a campaign by where they stand: waiting, capped, unreachable…"),
    "why": ("people", "Why a number, or a line, is not dialing now."),
    "regimes": ("regimes", "The legal rules that campaigns may run under, with their sources."),
    "flow": ("flow", "What calls play by themselves, saved by name and version."),
    "script": ("script", "What agents read out and ask; answers as CSV or XLSX."),
    "agent": ("agent", "Agents: log in at a telephone, ready, pause, dispose; who is where."),
    "prompt": ("prompt", "What callers hear: import recordings, list, remove, listen."),
    "report": ("report", "Everything that happened to each number of a campaign."),
    "export": ("export", "Take away what ended in files, each record once."),
    "port": (
        "port",
        "Modems: ports of banks and their SIMs; probe, command or call one by its device.",
    ),
    "trunks": ("trunks", "The lines: use, registration, health, cost and what is left."),
    "lines": ("trunks", "Every trunk and port in one table."),
    "carriers": ("trunks", "The carriers of the numbering plan, and the trunks for each."),
    "plan": ("plan", "How many lines so many calls need, and the reverse."),
    "reload": ("trunks", "Take over the configuration as it is now, all of it or nothing."),
    "doctor": ("doctor", "Is this machine fit for it: ports, modems, clock, disk, limits, TLS."),
    "console": ("console", "Talk to the running daemon, with completion and live views."),
    "status": ("operate", "What the daemon is doing."),
    "drain": ("operate", "No new calls; live ones end."),
    "stop": ("operate", "Drain, then end the daemon."),
    "emergency-stop": ("operate", "Stop all dialing now and pause every campaign."),
    "calls": ("calls", "The calls in progress; hang one up, put one through."),
    "call": ("call", "Place one call and show its timeline."),
    "listen": ("listen", "Take calls as a script says: the called side."),
    "trace": ("trace", "The SIP messages of a call, as a ladder or a capture file."),
    "detect": ("detect", "Who answered in a recording, person or machine, and what is heard."),
    "announcements": ("announcements", "What carriers say instead of ringing: learn, label, test."),
    "tones": ("tones", "Tone plans: list, check, learn a tone from recordings."),
    "amd": ("amd", "How right it was who answered, beside what agents said."),
    "numbers": ("numbers", "Explain how numbers are read."),
    "number": ("number", "All that is kept about one number: show it, or erase it."),
    "retention": ("retention", "Remove what is not kept any longer."),
    "dnc": ("dnc", "The do-not-call list."),
    "blacklist": ("dnc", "Nuisance callers, whom nobody dials or takes calls of."),
    "backup": ("backup", "Copy the store into a file, while the daemon runs or not."),
    "verify": ("backup", "Read a backup whole and say whether it is sound."),
    "restore": ("backup", "Make a backup the store."),
    "fsck": ("backup", "Check every record and rule of the store."),
    "user": ("user", "Users of the HTTP API: admin, supervisor, viewer, agent."),
    "completion": ("completion", "What bash, zsh or fish needs to complete these commands."),
    "token": ("token", "Tokens for the HTTP API."),
    "webhook": ("webhook", "Webhooks: who is told of calls that are over."),
    "jobs": ("jobs", "Imports and exports of the HTTP API."),
    "tls": ("tls", "HTTPS for the HTTP API: an authority and a certificate of one's own."),
    "audit": ("audit", "Who changed what by the HTTP API, as a chain of hashes."),
}


# Other names of the same: every resource has its verb in the singular.
ALIASES: Final[dict[str, str]] = {
    "lead": "leads", "trunk": "trunks", "line": "lines", "lists": "list", "job": "jobs"
}  # fmt: skip
# The same of verbs, in every group: whichever it has, the other is understood.
SYNONYMS: Final = (("ls", "list"), ("rm", "remove"))


class LazyGroup(click.Group):
    """Knows its commands by name; imports one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import its module; a name that is none is click's to report."""
        del ctx
        cmd_name = ALIASES.get(cmd_name, cmd_name)
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"dialerd.cli.{COMMANDS[cmd_name][0]}")
        for found in vars(module).values():
            if isinstance(found, click.Command) and found.name == cmd_name:
                return _with_synonyms(found)
        raise RuntimeError(f"{module.__name__} defines no command named {cmd_name!r}")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names from the table: nothing is imported to complete one."""
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=COMMANDS[name][1] if name in COMMANDS else None)
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and help from the table: nothing is imported for --help."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A mistyped name is answered with the nearest one."""
        known = [*self.list_commands(ctx), *ALIASES]
        mistyped = args and args[0] not in known and not args[0].startswith("-")
        if mistyped and not ctx.resilient_parsing:  # who completes is told nothing
            import difflib

            close = difflib.get_close_matches(args[0], known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


def _with_synonyms(found: click.Command) -> click.Command:
    """Its verbs by their other names too, which help and completion do not show."""
    if isinstance(found, click.Group):
        for pair in SYNONYMS:
            for here, there in (pair, pair[::-1]):
                if here in found.commands and there not in found.commands:
                    also = copy.copy(found.commands[here])
                    also.hidden = True
                    found.commands[there] = also
    return found


def _version(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ARG001
    if value and not ctx.resilient_parsing:
        from dialerd import __version__

        click.echo(f"dialerd {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 configuration, 4 daemon not reachable. "
    "DIALERD_CONFIG names the configuration; DIALERD_DEBUG=1 shows where an error came from.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show it."
)
def cli() -> None:
    """Call campaigns over SIP and GSM lines."""


def main(args: list[str] | None = None) -> NoReturn:
    """Entry point: run a command, print one clear line when it fails, exit with its code."""
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run a command line; returns its exit code."""
    try:
        code = cli.main(args=args, prog_name="dialerd", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:
        if os.environ.get("DIALERD_DEBUG") == "1" and not isinstance(error, SystemExit):
            raise
        return explain(error)
    return code if isinstance(code, int) else OK


def explain(error: BaseException) -> int:
    """Print what a person needs to know of an error; returns the exit code."""
    match error:
        case SystemExit():
            return error.code if isinstance(error.code, int) else FAILED
        case click.ClickException():
            error.show()
            return error.exit_code
        case click.Abort() | KeyboardInterrupt():
            click.echo("interrupted", err=True)
            return INTERRUPTED
        case BrokenPipeError():
            # Who read our output has left; the interpreter must not complain about it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        case _:
            from dialerd.cli.errors import describe

            code, text = describe(error)
            click.echo(text, err=True)
            return code


if __name__ == "__main__":
    main()
