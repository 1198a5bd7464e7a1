"""`dialerd agent …`: what agents do, from a terminal; pages and other programs ask the same."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import click

from dialerd.cli.common import (
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_pairs,
    print_table,
)

if TYPE_CHECKING:
    from dialerd.core.agents_view import AgentInfo, AnyAct, Card, Earlier, TeamInfo

_CAMPAIGN = click.option(
    "--campaign",
    "campaigns",
    multiple=True,
    metavar="NAME",
    help="A campaign to work in; may be given several times.",
)


@click.group("agent")
def agent() -> None:
    """Agents: log in at a telephone, ready, pause, dispose; who is where."""


def _do(config_path: str | None, name: str, act: AnyAct, output: str) -> None:
    from dialerd.core.agents_view import AsAgent

    with connect(config_path) as client:
        found = client.call(AsAgent(agent=name, act=act))
    if output == "json":
        print_json(found)
    else:
        _print(found, load_zone(config_path))


def _print(found: AgentInfo, zone: tzinfo | None) -> None:
    state = found.state.value + (f" ({found.reason})" if found.reason else "")
    pairs: list[tuple[str, Any]] = [
        ("agent", found.name),
        ("state", f"{state} since {local_time(found.since, zone)}"),
        ("telephone", f"{found.phone}{' (up)' if found.on_phone else ''}"),
        ("campaigns", ", ".join(found.campaigns) or "none"),
    ]
    if found.card is not None:
        pairs += _card(found.card, zone)
    print_pairs(pairs)


def _card(card: Card, zone: tzinfo | None) -> list[tuple[str, Any]]:
    pairs = [("customer", f"{card.number} ({card.campaign}, lead {card.lead}, try {card.tries})")]
    if card.promised:
        pairs.append(("promised", card.promised))
    if card.dial_at is not None:
        pairs.append(("dialed at", local_time(card.dial_at, zone)))
    pairs += [(f"  {name}", value) for name, value in card.fields.items()]
    return pairs + [("before", _earlier(one, zone)) for one in card.past]


def _earlier(one: Earlier, zone: tzinfo | None) -> str:
    said = [one.disposition or one.outcome, f"by {one.agent}" if one.agent else "", one.note]
    return ", ".join([local_time(one.at, zone), one.campaign, *(word for word in said if word)])


@agent.command("list")
@config_option
@output_option
def list_agents(config_path: str | None, output: str) -> None:
    """Every agent since the daemon started, and how the campaigns fare that they work in."""
    from dialerd.core.agents_view import ListAgents

    with connect(config_path) as client:
        answer = client.call(ListAgents())
    found = answer.items
    if output == "json":
        print_json(found)
        return
    zone = load_zone(config_path)
    head = ("AGENT", "STATE", "SINCE", "CALLS", "TELEPHONE", "CAMPAIGNS")
    print_table(head, [_row(one, zone) for one in found])
    if answer.teams:
        click.echo()
        print_table(_TEAM, [_team(one) for one in answer.teams])


_TEAM = (
    "CAMPAIGN", "READY", "TALKING", "PAUSED", "WAITING", "CALLS/AGENT", "BUSY", "ABANDONED",
    "DIALS NOBODY BECAUSE",
)  # fmt: skip


def _team(one: TeamInfo) -> tuple[Any, ...]:
    lost = f"{one.abandonment_legal:.1%} ({one.abandoned} of {one.people})"
    busy = f"{one.utilisation:.0%}"
    waits = one.customers_waiting
    counts = one.ready, one.talking, one.paused, waits, one.calls_per_agent
    return one.campaign, *counts, busy, lost, one.why or "-"


def _row(one: AgentInfo, zone: tzinfo | None) -> tuple[Any, ...]:
    state = one.state.value + (f" ({one.reason})" if one.reason else "")
    joined = ", ".join(one.campaigns)
    return one.name, state, local_time(one.since, zone), one.calls, one.phone, joined


@agent.command("work")
@click.argument("name")
@click.option("--queue", "queues", multiple=True, help="A group that the agent belongs to.")
@config_option
@output_option
def work(name: str, queues: tuple[str, ...], config_path: str | None, output: str) -> None:
    """The campaigns that NAME may join, and when they begin."""
    from dialerd.core.agents_view import ListWork

    with connect(config_path) as client:
        found = client.call(ListWork(agent=name, queues=queues)).items
    if output == "json":
        print_json(found)
        return
    rows = [(one.campaign, one.mode, "yes" if one.joined else "", one.why) for one in found]
    print_table(("CAMPAIGN", "MODE", "JOINED", "DIALS NOBODY BECAUSE"), rows)


@agent.command("callbacks")
@click.argument("campaign")
@click.option("--overdue", is_flag=True, help="Only what is due already.")
@config_option
@output_option
def callbacks(campaign: str, overdue: bool, config_path: str | None, output: str) -> None:  # noqa: FBT001
    """What agents promised in CAMPAIGN and nobody has kept yet, by when it is due."""
    from dialerd.core.agents_view import ListCallbacks

    with connect(config_path) as client:
        found = client.call(ListCallbacks(campaign=campaign, overdue=overdue))
    if output == "json":
        print_json(found)
        return
    zone = load_zone(config_path)
    rows = [
        (
            local_time(one.due, zone),
            "overdue" if one.overdue else "",
            one.number,
            one.agent or "anybody",
            one.note,
        )
        for one in found.items
    ]
    print_table(("DUE", "", "NUMBER", "AGENT", "NOTE"), rows)
    click.echo(f"{found.total} promised, {found.overdue} overdue")


@agent.command("show")
@click.argument("name")
@config_option
@output_option
def show(name: str, config_path: str | None, output: str) -> None:
    """One agent, and the customer on its card."""
    from dialerd.core.agents_view import ListAgents

    with connect(config_path) as client:
        (found,) = client.call(ListAgents(name=name)).items
    if output == "json":
        print_json(found)
    else:
        _print(found, load_zone(config_path))


@agent.command("login")
@click.argument("name")
@click.option("--phone", required=True, help="The account that the telephone registers with.")
@_CAMPAIGN
@click.option("--nailed-up", is_flag=True, help="Ring it once and keep it up for the shift.")
@click.option("--queue", "queues", multiple=True, help="A group that the agent belongs to.")
@config_option
@output_option
def login(
    name: str,
    phone: str,
    campaigns: tuple[str, ...],
    nailed_up: bool,  # noqa: FBT001
    queues: tuple[str, ...],
    config_path: str | None,
    output: str,
) -> None:
    """Come to work, paused until `dialerd agent ready`."""
    from dialerd.core.agents_view import LogIn

    act = LogIn(phone=phone, campaigns=campaigns, nailed_up=nailed_up, queues=queues)
    _do(config_path, name, act, output)


@agent.command("join")
@click.argument("name")
@_CAMPAIGN
@config_option
@output_option
def join(name: str, campaigns: tuple[str, ...], config_path: str | None, output: str) -> None:
    """Work in these campaigns from now on, and in no other."""
    from dialerd.core.agents_view import Join

    _do(config_path, name, Join(campaigns=campaigns), output)


@agent.command("pause")
@click.argument("name")
@click.option("--reason", default="", help="Why, for the supervisor.")
@config_option
@output_option
def pause(name: str, reason: str, config_path: str | None, output: str) -> None:
    """No customers for now; a call in progress goes on to its end."""
    from dialerd.core.agents_view import Pause

    _do(config_path, name, Pause(reason=reason), output)


@agent.command("take")
@click.argument("name")
@click.argument("campaign")
@config_option
@output_option
def take(name: str, campaign: str, config_path: str | None, output: str) -> None:
    """Manual: ask for one customer; refused until the last one was called or disposed of."""
    from dialerd.core.agents_view import Take

    _do(config_path, name, Take(campaign=campaign), output)


@agent.command("digits")
@click.argument("name")
@click.argument("digits")
@config_option
@output_option
def digits(name: str, digits: str, config_path: str | None, output: str) -> None:
    """Press DIGITS (0-9 * # A-D) towards the customer."""
    from dialerd.core.agents_view import Digits
    from dialerd.core.keys import unsendable

    if fault := unsendable(digits.upper()):
        raise click.BadParameter(fault)
    _do(config_path, name, Digits(digits=digits), output)


@agent.command("transfer")
@click.argument("name")
@click.argument("kind", type=click.Choice(["queue", "agent", "number"]))
@click.argument("target")
@click.option("--ring", "ring_s", default=30, type=click.IntRange(1, 600), help="Seconds.")
@config_option
@output_option
def transfer(
    name: str, kind: str, target: str, ring_s: int, config_path: str | None, output: str
) -> None:
    """Put NAME's customer through to a queue, an agent or a number."""
    from dialerd.core.agents_view import PutThrough
    from dialerd.core.flow_records import TargetKind

    act = PutThrough(kind=TargetKind(kind), target=target, ring_s_max=ring_s)
    _do(config_path, name, act, output)


@agent.command("dispose")
@click.argument("name")
@click.argument("disposition", default="")
@click.option("--callback", metavar="TIME", help="Book a call, as 2026-11-30T09:00 (local time).")
@click.option("--anybody", is_flag=True, help="Whoever is free makes the callback.")
@click.option("--do-not-call", is_flag=True, help="Never call this number again.")
@click.option("--note", default="", help="What the next agent should know.")
@config_option
@output_option
def dispose(
    name: str,
    disposition: str,
    callback: str | None,
    anybody: bool,  # noqa: FBT001
    do_not_call: bool,  # noqa: FBT001
    note: str,
    config_path: str | None,
    output: str,
) -> None:
    """Say what came of the customer: during the call, after it, or of a card never dialed."""
    from dialerd.core.agents_view import Dispose

    act = Dispose(
        disposition=disposition,
        callback_at=_time(callback, load_zone(config_path)) if callback else None,
        to_me=not anybody,
        do_not_call=do_not_call,
        note=note,
    )
    _do(config_path, name, act, output)


def _time(text: str, zone: tzinfo | None) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time such as 2026-11-30T09:00") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone) if zone else at.astimezone()


def _bare(what: str, text: str) -> None:
    """A command that says nothing but who."""

    @agent.command(what, help=text)
    @click.argument("name")
    @config_option
    @output_option
    def command(name: str, config_path: str | None, output: str) -> None:
        from dialerd.core import agents_view as view

        acts: dict[str, AnyAct] = {
            "ready": view.Ready(),
            "logout": view.LogOut(),
            "dial": view.Dial(),
            "skip": view.Skip(),
            "hangup": view.HangUp(),
            "hold": view.Hold(),
            "resume": view.Resume(),
            "answer": view.Answer(),
        }
        _do(config_path, name, acts[what], output)


_bare("ready", "Give this agent customers.")
_bare("logout", "Gone home; a call in progress goes on to its end.")
_bare("dial", "Manual and preview: dial the customer on the card now.")
_bare("skip", "Preview, where the campaign allows it: another customer.")
_bare("hangup", "End the call with the customer.")
_bare("hold", "Let the customer wait, with the campaign's hold_prompt.")
_bare("resume", "Talk with the customer again.")
_bare("answer", "Answer the telephone that rings, which is asked to do so by itself.")
