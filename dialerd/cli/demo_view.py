"""The live table of `dialerd demo`, and its last words. It renders what it is handed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dialerd.core.control import TrunkStatus
from dialerd.core.ports_view import ModemPort
from dialerd.core.records import Outcome
from dialerd.sim.bank_figures import BankFigures, is_lost
from dialerd.sim.io_world import Look
from dialerd.sim.scene import BANK
from dialerd.sim.summary import Summary
from dialerd.sim.tally import Tally

BAR_WIDTH = 24
#: With less the tables come without frames, and without what the last words repeat.
WIDE_COLUMNS, WIDE_LINES = 110, 32

#: Outcomes in the order they are shown, with their colours; the words carry the meaning.
OUTCOMES: dict[Outcome, str] = {
    Outcome.ANSWERED: "green",
    Outcome.NO_ANSWER: "yellow",
    Outcome.UNREACHABLE: "magenta",
    Outcome.BUSY: "cyan",
    Outcome.DECLINED: "red",
    Outcome.INVALID: "bright_black",
    Outcome.FAILED: "bright_red",
    Outcome.CANCELLED: "bright_black",
    Outcome.INTERRUPTED: "bright_red",
    Outcome.MEDIA_TIMEOUT: "bright_red",
    Outcome.TOO_LONG: "green",
}

#: Makes of the demo's configuration one that keeps nothing in the demo's folder.
OWN_FOLDER = 's|^path = .*|path = "data"|; s|^socket = .*|socket = "control.sock"|'
#: And looks for real modems where a bank of them is.
OWN_MODEMS = (
    's|^slots = .*|slots = "/dev/serial/by-path/*:1.2-port0"|; '
    's|^audio = .*|audio = "/dev/serial/by-path/*:1.1-port0"|'
)


def live(
    look: Look, phase: str, elapsed_s: float, cps: float, *, columns: int = 140, lines: int = 50
) -> RenderableType:
    """The screen while calls go on, made for a terminal of so many columns and lines."""
    headline = _headline(look, phase, elapsed_s, cps)
    if columns < WIDE_COLUMNS or lines < WIDE_LINES:
        return Group(headline, _funnel(look, compact=True), _short_trunks(look))
    return Group(
        Panel(headline, title="dialerd demo", border_style="blue"),
        _funnel(look, compact=False),
        _trunks(look.status.trunks, look.tallies),
        *((Text(f"bank {BANK}: {ports_line(look.modems)}"),) if look.modems else ()),
    )


def ports_line(modems: tuple[ModemPort, ...]) -> str:
    """The ports of the bank: how many can call, are in calls, and which cannot, and why."""
    ready = sum(one.ready for one in modems)
    busy = sum(one.busy for one in modems)
    lost = [one for one in modems if is_lost(one)]
    text = f"{len(modems)} ports, {ready} ready, {busy} in a call, {len(lost)} lost"
    if lost:
        text += f" ({lost[0].slot}: {lost[0].why or lost[0].state}{', …' if lost[1:] else ''})"
    return text


def _headline(look: Look, phase: str, elapsed_s: float, cps: float) -> Text:
    usage = look.usage
    return Text.assemble(
        (f"{phase}  ", "bold"),
        f"{elapsed_s:5.0f} s   ",
        (f"{cps:6.1f} calls/s   ", "bold green"),
        f"{look.status.calls_in_flight:,} in flight   ",
        f"{usage.rss_kib / 1024:,.0f} MiB   {usage.cpu_s:,.1f} s CPU",
    )


def _funnel(look: Look, *, compact: bool) -> Table:
    """Each step of the way from the list to a pressed key, and each way it ended."""
    progress, tallies = look.progress, look.tallies.values()
    keys: Counter[str] = Counter()
    for tally in tallies:
        keys.update(tally.keys)
    ended = sum(progress.outcomes.values())
    table = _table("Funnel", compact=compact)
    table.add_column("step")
    table.add_column("calls", justify="right")
    table.add_column("share", justify="right")
    table.add_column("", width=BAR_WIDTH)
    _bar(table, "leads", progress.audience, progress.audience, "blue")
    if not compact:
        _bar(table, "left", progress.left, progress.audience, "blue")
    _bar(table, "ended", ended, progress.audience, "blue")
    for outcome, colour in OUTCOMES.items():
        count = progress.outcomes.get(outcome, 0)
        if count or outcome in (Outcome.ANSWERED, Outcome.NO_ANSWER, Outcome.UNREACHABLE):
            _bar(table, f"  {outcome.value}", count, ended, colour)
    answered = progress.outcomes.get(Outcome.ANSWERED, 0)
    if compact:
        _bar(table, "    pressed a key", keys.total(), answered, "green")
        return table
    for key, count in sorted(keys.items()):
        _bar(table, f"    pressed {key}", count, answered, "green")
    return table


def _table(title: str, *, compact: bool) -> Table:
    if compact:
        return Table(box=None, padding=(0, 1), expand=False)
    return Table(title=title, title_justify="left", expand=False)


def _bar(table: Table, name: str, count: int, whole: int, colour: str) -> None:
    share = count / whole if whole else 0.0
    bar = ProgressBar(max(whole, 1), min(count, whole), BAR_WIDTH, complete_style=colour)
    table.add_row(name, f"{count:,}", f"{share:.1%}", bar)


def _trunks(trunks: tuple[TrunkStatus, ...], tallies: dict[str, Tally]) -> Table:
    """What the daemon says of each trunk, beside what the carrier at its end has seen."""
    table = _table("Trunks: the daemon's figures | the carrier's", compact=False)
    for name in ("trunk", "in use", "placed", "answered", "|", "seen", "up", "answered"):
        table.add_column(name, justify="left" if name == "trunk" else "right")
    for name in ("refused", "RTP packets", "why idle"):
        table.add_column(name, justify="left" if name == "why idle" else "right")
    for trunk in trunks:
        tally = tallies.get(trunk.name)
        theirs = _carrier(tally) if tally else ["-"] * 5  # a second trunk to the same carrier
        table.add_row(
            trunk.name,
            f"{trunk.in_use:,}",
            f"{trunk.placed:,}",
            f"{trunk.answered:,}",
            "|",
            *theirs,
            trunk.why,
        )
    return table


def _short_trunks(look: Look) -> Table:
    """The same in a few columns; why a trunk is idle takes the place of the carrier's figures."""
    table = _table("", compact=True)
    table.add_column("trunk")
    for name in ("in use", "placed", "answered", "| carrier: up", "RTP packets"):
        table.add_column(name, justify="right")
    for trunk in look.status.trunks:
        tally = look.tallies.get(trunk.name)
        theirs = [f"{tally.up:,}", f"{tally.rtp_received:,}"] if tally else ["-", "-"]
        ours = (trunk.in_use, trunk.placed, trunk.answered)
        ready = sum(one.ready for one in look.modems if one.bank == trunk.name)
        name = f"{trunk.name}, {ready} ports" if ready else trunk.name
        table.add_row(name, *(f"{figure:,}" for figure in ours), *theirs)
        if trunk.why:
            table.add_row(Text(f"  {trunk.why}", style="yellow"))
    return table


def _carrier(tally: Tally) -> list[str]:
    figures = (tally.seen, tally.up, tally.answered, tally.refused.total(), tally.rtp_received)
    return [f"{figure:,}" for figure in figures]


def last_words(summary: Summary, report: Path, config: Path) -> RenderableType:
    """The end of a run: figures, verdict, where the report is, and what to do next."""
    s = summary
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    rows = {
        "list": f"{s.imported:,} numbers ({s.converted:,} converted), {s.duplicates:,} duplicates, "
        f"{s.rejected:,} rejected, imported in {s.import_s:.1f} s",
        "placed": f"{s.placed:,} calls in {s.seconds:.0f} s = {s.cps:.1f} calls/s, "
        f"at most {s.in_flight_max:,} at once",
        "outcomes": _outcomes(s),
        "keys": f"{s.digits:,} heard of {s.digits_pressed:,} pressed",
        "RTP": f"{s.rtp_received:,} packets reached the carriers",
        **_bank(s.bank),
        "cost": f"{s.cpu_ms_per_call:.2f} ms CPU a call, {s.rss_kib_per_call:.0f} KiB a call in "
        f"progress, {s.rss_mib:.0f} MiB in all",
    }
    for name, text in rows.items():
        table.add_row(name, text)
    clean = not (s.doubled or s.lost)
    verdict = Text(
        f"doubled {s.doubled}, lost {s.lost}, mismatched {s.mismatched} "
        "(from the networks' own ledgers)",
        style="bold green" if clean else "bold red",
    )
    faults = [Text(f"  {f.kind}: {f.phone} {f.call_id} {f.text}", style="red") for f in s.faults]
    return Group(table, verdict, *faults, Text(f"report: {report}"), next_steps(config))


def _bank(bank: BankFigures) -> dict[str, str]:
    """What the bank did, when there is one."""
    if not bank.ports:
        return {}
    text = f"{bank.ports} ports, {bank.ready_max} ready at once; {bank.calls:,} calls, "
    text += f"{bank.answered:,} answered"
    if bank.lost:
        text += (
            f"; {bank.lost} without signal for {bank.lost_s:.0f} s: {bank.lost_calls} calls by it, "
            f"{bank.around:,} by the others meanwhile"
        )
    return {"bank": text}


def _outcomes(summary: Summary) -> str:
    counts = ((o, int(getattr(summary, o.value))) for o in OUTCOMES)
    return ", ".join(f"{o.value.replace('_', ' ')} {n:,}" for o, n in counts if n)


def next_steps(config: Path) -> Text:
    """The way from here to real lines."""
    return Text.assemble(
        "\nNext, for real lines: copy the configuration, with a data folder of its own in place\n"
        "of the demo's, give a trunk your carrier's address and account, and run the daemon:\n",
        (f"    sed -e '{OWN_FOLDER}; {OWN_MODEMS}' {config} > dialerd.toml", "bold"),
        (" && $EDITOR dialerd.toml\n", "bold"),
        ("    dialerd check-config -c dialerd.toml && dialerd run -c dialerd.toml", "bold"),
    )
