"""Saved flows as their users meet them: rows of the table of capabilities."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import msgspec
import pytest
from click.testing import CliRunner

from dialerd.cli.flow import flow as flow_command
from dialerd.control.hub import EventHub
from dialerd.control.service import ControlService
from dialerd.core import effects as fx
from dialerd.core import events as ev
from dialerd.core.control import (
    ActOnCampaign,
    CampaignAction,
    CampaignInfo,
    CreateCampaign,
    Invalid,
)
from dialerd.core.flow_records import Flow, FlowChoice, FlowStep
from dialerd.core.flow_spec import FlowSpec, spec_of, to_flow
from dialerd.core.ops import ClaimBatch
from dialerd.core.records import Campaign, CampaignState, EventKind, Outcome
from dialerd.core.scripts_view import GetFlow, SaveFlow
from dialerd.store import MemoryStore
from dialerd.toml_load import TomlError
from tests.control.desk import Desk as Daemon
from tests.control.desk import spec
from tests.core.build import Desk, claim, finishes, only
from tests.store.kit import NOW, people

APPROVE, START, FINISH, SWITCH = (
    CampaignAction(action) for action in ("approve", "start", "finish", "switch")
)


def plays(prompt: str) -> Flow:
    return Flow((FlowStep("start", prompt),))


def taken(desk: Desk, product: str) -> fx.Dial:
    """One person of the list is called."""
    desk.attempt += 1
    desk.phone += 1
    one = msgspec.structs.replace(claim(desk.attempt, desk.phone), fields={"product": product})
    desk.tell(ev.Claimed(ClaimBatch(1, (one,), 0, 0, None, exhausted=False)))
    desk.run(1.0)  # at its trunk's pace
    return desk.dials()[-1]


def heard(desk: Desk, dial: fx.Dial) -> tuple[str, ...]:
    return only(desk.tell(ev.Answered(dial.leg)), fx.Play)[0].prompts


def said(desk: Desk, dial: fx.Dial) -> list[str]:
    """Which flow its history names, once the call is over."""
    end = finishes(desk.tell(ev.Released(dial.leg, Outcome.ANSWERED, by="them")))[-1]
    return [event.detail for event in end.events if event.kind is EventKind.FLOW]


CHOSEN = {
    "flow": plays("general"),
    "flow_name": "general",
    "flow_version": 2,
    "flow_column": "product",
    "flows": (FlowChoice("loan", "loans", 3, plays("loan")),),
}


def test_row_60_a_column_of_the_list_chooses_the_flow_and_the_history_says_which() -> None:
    desk = Desk(**CHOSEN)
    for product, prompt, name in (
        ("loan", "loan", "loans@3"),
        ("card", "general", "general@2"),
        ("", "general", "general@2"),
    ):
        dial = taken(desk, product)
        assert heard(desk, dial) == (prompt,)
        assert said(desk, dial) == [name]


def test_row_53_a_call_ends_in_the_flow_it_began_with() -> None:
    desk = Desk(**CHOSEN)
    ringing = taken(desk, "loan")
    later = desk.campaigns[1] = msgspec.structs.replace(
        desk.campaigns[1], flows=(FlowChoice("loan", "loans", 4, plays("loan-new")),)
    )
    desk.tell(ev.CampaignChanged(Campaign(1, later, CampaignState.RUNNING)))
    assert heard(desk, ringing) == ("loan",)
    assert said(desk, ringing) == ["loans@3"]
    fresh = taken(desk, "loan")
    assert heard(desk, fresh) == ("loan-new",)
    assert said(desk, fresh) == ["loans@4"]


def with_service(use: Callable) -> None:
    async def run() -> None:
        store = MemoryStore()
        daemon = Daemon()
        listed = await store.create_list("people", NOW)
        await store.add_contacts(listed.list_id, people(3))
        await use(store, daemon, ControlService(store, daemon, EventHub(), daemon))
        assert store.problems() == []
        store.close()

    asyncio.run(run())


async def create(service: ControlService, **changes: object) -> CampaignInfo:
    return await service.create_campaign(CreateCampaign(spec=spec(**changes), who="an"))


async def act(service: ControlService, action: CampaignAction) -> CampaignInfo:
    return await service.act(ActOnCampaign(campaign="1", action=action, who="binh"))


def test_row_53_a_running_campaign_keeps_its_version_until_it_is_switched() -> None:
    async def use(store: MemoryStore, daemon: Daemon, service: ControlService) -> None:
        await store.save_flow("f", plays("hello"), "an", NOW)
        made = await create(service, steps=(), flow="f")
        assert made.spec.flow == "f"
        assert made.spec.steps == ()
        for action in (APPROVE, START):
            await act(service, action)
        await store.save_flow("f", plays("thanks"), "an", NOW)
        kept = store.campaign(1).settings
        assert (kept.flow, kept.flow_version) == (plays("hello"), 1)
        await act(service, SWITCH)
        assert daemon.told[-1].settings.flow == plays("thanks")  # the dialer heard of it
        assert daemon.told[-1].settings.flow_version == 2
        assert store.moves(1)[-1].reason == "switched to f@2"
        assert store.flow("f", 1).flow == plays("hello")
        await store.save_flow("f", plays("not there"), "an", NOW)
        with pytest.raises(Invalid, match="there is no prompt 'not there'"):
            await act(service, SWITCH)
        assert store.campaign(1).settings.flow_version == 2

    with_service(use)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"flow": "f"}, "either a saved flow or steps, not both"),
        ({"steps": (), "flow": "g"}, "there is no flow named 'g'"),
        ({"flow_column": "name"}, "flow_column and flows need each other"),
        ({"flow_column": "product", "flows": {"x": "f"}}, "has no column 'product'"),
        ({"flow_column": "name", "flows": {"x": "lost"}}, "there is no prompt 'gone'"),
        ({"script": "s"}, "there is no script named 's'"),
    ],
)
def test_what_a_campaign_names_must_be_there(changes: dict, fault: str) -> None:
    async def use(store: MemoryStore, _: Daemon, service: ControlService) -> None:
        await store.save_flow("f", plays("hello"), "an", NOW)
        await store.save_flow("lost", plays("gone"), "an", NOW)
        with pytest.raises(Invalid, match=fault):
            await create(service, **changes)

    with_service(use)


FILE = """
name = "f"
[[steps]]
prompt = "hello"
keys = { 1 = "more" }
wait_ms = 3000
[[steps]]
id = "more"
prompt = "thanks"
"""


def test_flows_on_the_command_line(tmp_path) -> None:
    file, data = tmp_path / "f.toml", ["--data", str(tmp_path / "data")]

    def run(*args: str) -> str:
        found = CliRunner().invoke(flow_command, args)
        assert found.exit_code == 0, found.output
        return found.output

    file.write_text(FILE)
    said = run("check", str(file), *data)
    assert "2 steps, no fault" in said
    assert "note: prompt 'hello' is neither imported" in said
    assert "version 1" in run("add", str(file), *data)
    assert "nothing has changed" in run("add", str(file), *data)
    file.write_text(FILE.replace('"thanks"', '"bye"'))
    assert "version 2" in run("add", str(file), *data)
    assert "plays thanks" in run("show", "f", "--version", "1", *data)
    again = msgspec.json.decode(run("show", "f", "--json", *data), type=FlowSpec)
    assert spec_of("f", to_flow(again)) == again
    assert [row["version"] for row in json.loads(run("ls", "--json", *data))] == [2]
    assert "f" in run("ls", *data)
    file.write_text(FILE + 'keys = { 1 = "start" }')
    assert "note: steps/0: keys lead round" in run("check", str(file), *data)
    file.write_text(FILE.replace('"more" }', '"mroe" }'))
    found = CliRunner().invoke(flow_command, ["check", str(file)]).exception
    assert isinstance(found, TomlError)
    assert "there is no step 'mroe'" in str(found)


def test_a_finished_campaign_is_not_switched() -> None:
    async def use(store: MemoryStore, _: Daemon, service: ControlService) -> None:
        await create(service)
        for action in (APPROVE, START, FINISH):
            await act(service, action)
        with pytest.raises(Exception, match="has finished"):
            await act(service, SWITCH)

    with_service(use)


def edited(prompt: str) -> FlowSpec:
    """A flow as a page sends it: asks for a code, then ends with a result."""
    steps = [
        {"prompt": prompt, "gather": {"field": "code", "keys_max": 4}, "then": "done"},
        {"id": "done", "result": "has a code"},
    ]
    return msgspec.convert({"name": "f", "steps": steps}, FlowSpec)


def test_row_53_an_edited_flow_is_a_new_version_and_old_ones_stay_readable() -> None:
    async def use(store: MemoryStore, daemon: Daemon, service: ControlService) -> None:
        first = await service.save_flow(SaveFlow(spec=edited("hello"), who="an"))
        await create(service, steps=(), flow="f")
        for action in (APPROVE, START):
            await act(service, action)
        second = await service.save_flow(SaveFlow(spec=edited("thanks"), who="binh"))
        assert (first.version, second.version) == (1, 2)
        assert store.campaign(1).settings.flow == to_flow(edited("hello"))
        await act(service, SWITCH)
        assert daemon.told[-1].settings.flow == to_flow(edited("thanks"))
        old = await service.flow(GetFlow(name="f", version=1))
        assert (old.spec, old.who) == (edited("hello"), "an")
        with pytest.raises(Invalid, match="there is no step 'gone'"):
            lost = {"name": "f", "steps": [{"prompt": "hello", "otherwise": "gone"}]}
            await service.save_flow(SaveFlow(spec=msgspec.convert(lost, FlowSpec), who="an"))
        assert (await service.flow(GetFlow(name="f"))).version == 2

    with_service(use)
