"""`dialerd campaign`: campaigns and their gate, over the control socket."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from dialerd.cli import spec_flags
from dialerd.cli.common import (
    all_pages,
    campaign_names,
    clean,
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_pairs,
    print_table,
    read_spec,
    who,
)
from dialerd.core.agent_records import OnMachine
from dialerd.core.campaign_spec import CampaignSpec, NumberOutcome, spec_faults
from dialerd.core.control import (
    ActOnCampaign,
    CampaignAction,
    CampaignInfo,
    CreateCampaign,
    GetCampaign,
    GetMoves,
    GetProgress,
    ListCampaigns,
    ProgressInfo,
)
from dialerd.core.control_base import PAGE_MAX
from dialerd.core.detection_records import CLASSIC
from dialerd.core.list_records import ListMix
from dialerd.core.people_view import CheckCampaign, CheckInfo
from dialerd.core.records import DialMode
from dialerd.core.step_spec import played, ways

_NEXT = {
    "draft": "approve it: dialerd campaign approve {name!r}",
    "approved": "start it: dialerd campaign start {name!r}",
    "running": "watch it: dialerd campaign show {name!r}",
    "paused": "go on: dialerd campaign resume {name!r}",
    "finished": "its report: dialerd report {name!r}",
}


@click.group("campaign")
def campaign() -> None:
    """Create, approve, start, pause and finish campaigns.

    A campaign is named by its name or its id. Nothing is dialed before it is approved and started.
    """


@campaign.command("create")
@click.argument("name", required=False)
@click.option("--file", "file", metavar="FILE", help="Read it from a TOML file instead of flags.")
@click.option("--list", "lists", metavar="NAME", multiple=True, help="Imported list. Repeatable.")
@click.option("--list-weight", multiple=True, metavar="NAME=N", help="Share of one of the lists.")
@click.option(
    "--mix",
    type=click.Choice([mix.value for mix in ListMix]),
    help="Several lists: side by side by weight, or one after another.",
)
@click.option(
    "--next-number-on",
    multiple=True,
    type=click.Choice([outcome.value for outcome in NumberOutcome]),
    help="After it a person's next number is tried first. Repeatable.",
)
@click.option("--next-number-gap", metavar="TIME", help="Before that, such as 5m.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in DialMode]),
    default="broadcast",
    show_default=True,
    help="Who acts. With agents: their settings are in a file's [agents].",
)
@click.option("--prompt", metavar="PROMPT", help="Broadcast: what plays after the answer.")
@click.option("--key", "keys", multiple=True, metavar="DIGIT=PROMPT", help="Or DIGIT=end. Repeat.")
@click.option("--wait", default="5s", show_default=True, help="How long to wait for a key.")
@click.option("--regime", metavar="NAME", help="Legal rules: see `dialerd regimes`.")
@click.option("--cap", metavar="CALLS/WINDOW", help="Calls to one number, such as 1/30d.")
@click.option(
    "--cap-counts",
    type=click.Choice(["heard", "answered", "attempted"]),
    default="heard",
    show_default=True,
    help="What uses the cap up.",
)
@click.option("--hours", multiple=True, metavar="WINDOW", help='"mon-fri 08:00-11:30". Repeat.')
@click.option("--caller-id", metavar="NUMBER", help="Number shown to the customer.")
@click.option("--rate", type=float, metavar="N", help="New calls a second at most.")
@click.option("--attempts", type=int, metavar="N", help="Tries for each number at most.")
@click.option("--retry-gap", metavar="TIME", help="Between two tries, such as 30m.")
@click.option("--rechecks", type=int, metavar="N", help="Further tries of a switched-off phone.")
@click.option("--recheck-gap", metavar="TIME", help="Before each of them, such as 2h.")
@click.option("--ring", type=int, metavar="SECONDS", help="How long it may ring.")
@click.option("--record", is_flag=True, default=None, help="Record every answered call.")
@click.option("--skip-holidays", is_flag=True, default=None, help="Not on public holidays.")
@click.option("--consent", metavar="TEXT", help="Where these people's consent is kept.")
@click.option("--consent-column", metavar="COLUMN", help="Or the column with each one's consent.")
@click.option("--consent-date-column", metavar="COLUMN", help="And the one with its day.")
@click.option("--caller-name", metavar="BRAND", help="Name shown beside the caller id.")
@click.option("--weight", type=int, metavar="N", help="Its share of lines that others want too.")
@click.option("--after", metavar="NAME", help="Only who heard that campaign's message.")
@click.option("--after-gap", metavar="TIME", help="So long after it at least, such as 7d.")
@click.option("--start", metavar="TIME", help='Not before, "2026-11-23 08:00" in [dialing] zone.')
@click.option("--end", metavar="TIME", help="Not after.")
@config_option
@output_option
def create(
    name: str | None, file: str | None, config_path: str | None, output: str, **flags: Any
) -> None:
    """Make a draft, from flags or from a file (conf/campaigns has an example)."""
    spec = _from_file(file, name, flags) if file else _from_flags(name, flags, config_path)
    with connect(config_path) as client:
        made = client.call(CreateCampaign(spec=spec, who=who()))
    _done(made, output)


def _from_file(file: str, name: str | None, flags: dict[str, Any]) -> CampaignSpec:
    usual = {"wait", "cap_counts", "mode"}
    given = [flag for flag, value in flags.items() if value and flag not in usual]
    if name or given:
        raise click.UsageError("--file holds the whole campaign; leave NAME and the flags away")
    return read_spec(Path(file), CampaignSpec, spec_faults)


_GAPS = {
    "retry_gap_s": "retry_gap",
    "recheck_gap_s": "recheck_gap",
    "after_s": "after_gap",
    "next_number_gap_s": "next_number_gap",
}
_PLAIN = {
    "caller_id": "caller_id",
    "caller_name": "caller_name",
    "calls_per_s_max": "rate",
    "attempts_max": "attempts",
    "rechecks_max": "rechecks",
    "ring_s_max": "ring",
    "record": "record",
    "skip_holidays": "skip_holidays",
    "consent": "consent",
    "consent_column": "consent_column",
    "consent_date_column": "consent_date_column",
    "weight": "weight",
    "after": "after",
    "mix": "mix",
    "next_number_on": "next_number_on",
}


def _from_flags(name: str | None, flags: dict[str, Any], config_path: str | None) -> CampaignSpec:
    broadcast = flags["mode"] == DialMode.BROADCAST
    needed = {"NAME": name, "--list": flags["lists"], "--regime": flags["regime"]}
    if broadcast:
        needed["--prompt"] = flags["prompt"]
    missing = [flag for flag, value in needed.items() if not value]
    if missing:
        raise click.UsageError(f"missing: {', '.join(missing)} (or --file FILE)")
    values: dict[str, Any] = {
        "name": name,
        **spec_flags.lists(flags["lists"], flags["list_weight"]),
        "regime": flags["regime"],
        "mode": flags["mode"],
        "hours": [spec_flags.hours(text) for text in flags["hours"]],
    }
    if broadcast or flags["prompt"] or flags["keys"]:
        values["steps"] = spec_flags.steps(flags["prompt"] or "", flags["keys"], flags["wait"])
    if flags["cap"]:
        values["cap"] = spec_flags.cap(flags["cap"], flags["cap_counts"])
    for key, flag in _GAPS.items():
        if flags[flag]:
            values[key] = spec_flags.seconds(flags[flag], f"--{flag.replace('_', '-')}")
    for key, flag in (("start_at", "start"), ("end_at", "end")):
        if flags[flag]:
            values[key] = spec_flags.moment(flags[flag], f"--{flag}", load_zone(config_path))
    values |= {key: flags[flag] for key, flag in _PLAIN.items() if flags[flag] not in {None, ()}}
    return spec_flags.to_spec(values)


@campaign.command("ls")
@config_option
@output_option
def ls(config_path: str | None, output: str) -> None:
    """Every campaign with its state, and why a running one does not dial."""
    found: list[CampaignInfo] = [*all_pages(config_path, partial(ListCampaigns, limit=PAGE_MAX))]
    if output == "json":
        print_json(found)
        return
    rows = [(c.id, c.name, c.state, _lists(c.spec), c.audience, c.why) for c in found]
    print_table(("id", "name", "state", "list", "leads", "why not dialing"), rows)


@campaign.command("show")
@click.argument("name", shell_complete=campaign_names)
@config_option
@output_option
def show(name: str, config_path: str | None, output: str) -> None:
    """One campaign: settings, state, progress."""
    with connect(config_path) as client:
        found = client.call(GetCampaign(campaign=name))
        several = bool(found.spec.lists)
        books = client.call(GetProgress(campaign=name, by_list=several))
    if output == "json":
        print_json({"campaign": found, "progress": books})
        return
    spec = found.spec
    print_pairs(
        [
            ("name", f"{found.name} (id {found.id})"),
            ("state", f"{found.state}; allowed: {', '.join(found.allowed) or 'nothing'}"),
            ("why not dialing", found.why or "-"),
            ("created", local_time(found.created_at, load_zone(config_path))),
            ("list", f"{_lists(spec)} ({found.audience} leads)"),
            ("mode", str(spec.mode) + (f", flow {clean(spec.flow)}" if spec.flow else "")),
            ("regime", spec.regime),
            ("hours", "; ".join(_window(h.start, h.end, h.days) for h in spec.hours) or "regime"),
            ("cap", f"{spec.cap.calls_max}/{_span(spec.cap.window_s)}, {spec.cap.counts}"),
            ("attempts", _attempts(spec.attempts_max, spec.retry_gap_s)),
            ("after", f"{spec.after}, {_span(spec.after_s)} later" if spec.after else "-"),
            ("weight", str(spec.weight)),
            ("rechecks", _attempts(spec.rechecks_max, spec.recheck_gap_s)),
            ("answers", _answers(spec)),
            ("recorded", _recorded(spec)),
            ("logged", ", ".join(spec.log) or "nothing"),
        ]
    )
    for step in spec.steps:
        told = "; ".join(filter(None, (played(step), ways(step))))
        click.echo(f"  {step.id}: {clean(told)}")
    if books.eta:
        eta = local_time(books.eta, load_zone(config_path))
        done = books.audience - books.left
        click.echo(f"{done} done, {books.left} left; at the pace so far over at {eta}")
    _books(books)


def _answers(spec: CampaignSpec) -> str:
    """How machines are told from people, and what becomes of whom."""
    detection = spec.detection
    of = detection if spec.mode is DialMode.BROADCAST else spec.agents
    if not of.machines:
        return "everybody is taken for a person"
    by = {"": "dialerd's model", CLASSIC: "the classic rule"}.get(
        detection.detector, f"the model {detection.detector}"
    )
    waits = f"within {of.verdict_s:g} s" if of.verdict_s else "while the flow plays"

    def done(what: OnMachine) -> str:
        left = what is OnMachine.LEAVE_MESSAGE
        return str(what).replace("_", " ") + (f" {of.machine_prompt}" if left else "")

    unknown = done(detection.on_unknown)
    return f"told by {by} {waits}; machines: {done(of.on_machine)}; in doubt: {unknown}"


def _recorded(spec: CampaignSpec) -> str:
    if not spec.record:
        return "no"
    which = "every call" if spec.record_early else "every answered call"
    share = f"{spec.record_share} of 100: " if spec.record_share < 100 else ""
    kept = f", kept {spec.recordings_days} days" if spec.recordings_days else ""
    return share + which + kept


def _lists(spec: CampaignSpec) -> str:
    if not spec.lists:
        return spec.list
    if spec.mix is ListMix.ORDER:
        return ", then ".join(one.list for one in spec.lists)
    return ", ".join(f"{one.list} x{one.weight}" for one in spec.lists)


def _window(start: str, end: str, days: tuple[Any, ...]) -> str:
    return f"{','.join(days)} {start}-{end}"


def _attempts(at_most: int, gap_s: int) -> str:
    return str(at_most) if at_most < 2 else f"{at_most}, {_span(gap_s)} apart"


def _span(seconds: int) -> str:
    """A length of time as the flags take it: 30d, 90m, 45s."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _books(books: ProgressInfo) -> None:
    click.echo()
    print_table(("leads", "n"), [(state, n) for state, n in books.leads.items() if n])
    if books.lists:
        click.echo()
        rows = [(one.list, one.audience, one.left, one.leads["done"]) for one in books.lists]
        print_table(("list", "leads", "left", "done"), rows)
    if any(books.outcomes.values()):
        click.echo()
        print_table(("outcomes", "n"), [(name, n) for name, n in books.outcomes.items() if n])


@campaign.command("log")
@click.argument("name", shell_complete=campaign_names)
@config_option
@output_option
def log(name: str, config_path: str | None, output: str) -> None:
    """Who moved it, and when."""
    with connect(config_path) as client:
        found = client.call(GetMoves(campaign=name)).items
    if output == "json":
        print_json(found)
        return
    zone = load_zone(config_path)
    rows = [(local_time(m.at, zone), m.who, m.before, m.after, m.reason) for m in found]
    print_table(("when", "who", "from", "to", "reason"), rows)


@campaign.command("check")
@click.argument("name", shell_complete=campaign_names)
@config_option
@output_option
def check(name: str, config_path: str | None, output: str) -> None:
    """Say before the start how many people will be skipped, and by which rule."""
    with connect(config_path) as client:
        found = client.call(CheckCampaign(campaign=name))
    if output == "json":
        print_json(found)
        return
    _checked(found, config_path)


def _checked(found: CheckInfo, config_path: str | None, *, err: bool = False) -> None:
    zone = load_zone(config_path)
    at = f" at {local_time(found.at, zone)}" if found.at else ""
    people = f"{found.skipped_people} of {found.people} people will be skipped{at}"
    click.echo(f"{people}; {found.callable} will be called", err=err)
    for one in found.skipped:
        until = f", eligible again until {local_time(one.until, zone)}" if one.until else ""
        example = f" (such as {one.example})" if one.example else ""
        click.echo(f"  {one.people}: {one.reason}: {clean(one.text)}{until}{example}", err=err)
    for part in found.lists:
        twice = f", {part.elsewhere} more in a list before it" if part.elsewhere else ""
        text = f"{part.callable} of {part.people} will be called{twice}"
        click.echo(f"  list {clean(part.list)}: {text}", err=err)
    for text in found.warnings:
        click.echo(f"  warning: {clean(text)}", err=err)


def _done(found: CampaignInfo, output: str) -> None:
    if output == "json":
        print_json(found)
        return
    click.echo(f"{clean(found.name)} (id {found.id}) is {found.state}")
    click.echo(f"next, {_NEXT[found.state].format(name=clean(found.name))}", err=True)


def _action(action: CampaignAction, text: str) -> None:
    @campaign.command(action.value, help=text)
    @click.argument("name", shell_complete=campaign_names)
    @config_option
    @output_option
    def act(name: str, config_path: str | None, output: str) -> None:
        with connect(config_path) as client:
            moved = client.call(ActOnCampaign(campaign=name, action=action, who=who()))
            if action is CampaignAction.APPROVE:
                _checked(client.call(CheckCampaign(campaign=name)), config_path, err=True)
        _done(moved, output)


_action(CampaignAction.APPROVE, "Approve a draft: settings and audience are frozen.")
_action(CampaignAction.START, "Start an approved campaign.")
_action(CampaignAction.PAUSE, "Pause a running campaign; live calls go on.")
_action(CampaignAction.RESUME, "Go on with a paused campaign.")
_action(CampaignAction.FINISH, "Finish it for good.")
_action(
    CampaignAction.SWITCH,
    "Take the newest versions of its flows and script, from the next call on.",
)
