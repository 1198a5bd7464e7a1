"""Chains of prompts when a campaign is made: every prompt, word and field is looked for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from dialerd.core import control as api
from dialerd.core.agent_records import OnMachine
from dialerd.core.detection_spec import DetectionSpec
from dialerd.core.flow_records import Assign, Flow, FlowStep
from dialerd.core.prompts_view import PromptChanged
from dialerd.core.records import Contact
from dialerd.core.script_records import Item, Script
from dialerd.core.spoken import Lang, SayKind, vocabulary
from dialerd.core.step_spec import SaySpec, StepSpec
from tests.control.desk import NOW_MS, PROMPTS, Booth, booth, client, spec

AMOUNT = SaySpec(say=SayKind.MONEY, value="{amount}")


async def debtors(b: Booth) -> None:
    found = await b.store.create_list("debtors", NOW_MS)
    await b.store.add_contacts(found.list_id, [Contact(84912000000, "0912", "", {"amount": "5"})])


def chain(*parts: str | SaySpec) -> api.CreateCampaign:
    made = structs.replace(spec(), list="debtors", steps=(StepSpec(chain=parts),))
    return api.CreateCampaign(spec=made, who="an")


async def test_a_chain_whose_parts_are_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.control.desk.PROMPTS", PROMPTS | {*vocabulary(Lang.VI)})
    async with booth(path) as b, client(path) as c:
        await debtors(b)
        request = chain("hello", AMOUNT, "thanks")
        made = await c.call(request)
        assert made.spec == request.spec
        (step,) = b.desk.told[-1].settings.flow.steps
        assert [part.prompt or part.say for part in step.parts] == ["hello", "money", "thanks"]


async def test_every_part_that_is_not_there_has_its_place(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await debtors(b)
        with pytest.raises(api.Invalid) as raised:
            owed = SaySpec(say=SayKind.MONEY, value="{owed}")
            await c.call(chain("hello", "nobody", AMOUNT, owed))
        told = {fault.pointer: fault.detail for fault in raised.value.faults}
        assert sorted(told) == [
            "/spec/steps/0/chain/1", "/spec/steps/0/chain/2", "/spec/steps/0/chain/3",
            "/spec/steps/0/chain/3/value",
        ]  # fmt: skip
        assert "'vi/words/khong'" in told["/spec/steps/0/chain/2"]
        assert told["/spec/steps/0/chain/3/value"] == (
            "the list debtors has no column 'owed'; it has amount"
        )


async def test_a_changed_prompt_is_told(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        assert (await c.call(PromptChanged(name="vi/chao"))).seconds == 1.5
        assert b.desk.prompts_changed == ["vi/chao"]


async def test_what_steps_do_needs_prompts_and_columns_too(path: Path) -> None:
    steps = [
        {"gather": {"field": "pin", "again": "nobody"}, "then": "move"},
        {"id": "move", "transfer": {"queue": "{team}", "hold_prompt": "no-music"}},
    ]
    made = structs.replace(
        spec(), list="debtors", steps=msgspec.convert(steps, tuple[StepSpec, ...])
    )
    async with booth(path) as b, client(path) as c:
        await debtors(b)
        with pytest.raises(api.Invalid) as raised:
            await c.call(api.CreateCampaign(spec=made, who="an"))
    told = {fault.pointer: fault.detail for fault in raised.value.faults}
    assert told == {
        "/spec/steps/0/gather": "there is no prompt 'nobody'",
        "/spec/steps/1/transfer": "there is no prompt 'no-music'",
        "/spec/steps/1/transfer/queue": "the list debtors has no column 'team'; it has amount",
    }


async def test_columns_of_saved_flows_and_scripts_are_looked_for(path: Path) -> None:
    said = FlowStep("a", "hello", does=Assign("told", "{told} {owed}"))
    read_out = Script((Item("hi", "Hello {name}, {amount} is due", "end"),))
    async with booth(path) as b, client(path) as c:
        await debtors(b)
        await b.store.save_flow("f", Flow((said,)), "an", NOW_MS)
        await b.store.save_script("s", read_out, "an", NOW_MS)
        made = structs.replace(spec(), list="debtors", steps=(), flow="f", script="s")
        with pytest.raises(api.Invalid) as raised:
            await c.call(api.CreateCampaign(spec=made, who="an"))
    told = [(fault.pointer, fault.detail) for fault in raised.value.faults]
    assert told == [
        ("/spec/flow", "the list debtors has no column 'owed'; it has amount"),
        ("/spec/script", "the list debtors has no column 'name'; it has amount"),
    ]


async def test_what_machines_are_told_has_to_be_there(path: Path) -> None:
    detection = DetectionSpec(
        machines=True,
        on_machine=OnMachine.LEAVE_MESSAGE,
        machine_prompt="call-us",
        detector="nosuch",
    )
    agents = structs.replace(spec().agents, machine_prompt="call-them")
    made = structs.replace(spec(), list="debtors", detection=detection, agents=agents)
    async with booth(path) as b, client(path) as c:
        await debtors(b)
        with pytest.raises(api.Invalid) as raised:
            await c.call(api.CreateCampaign(spec=made, who="an"))
        told = {fault.pointer: fault.detail for fault in raised.value.faults}
        assert told["/spec/detection/machine_prompt"] == "there is no prompt 'call-us'"
        assert told["/spec/detection/detector"] == "there is no detector 'nosuch'"
        assert told["/spec/agents/machine_prompt"] == "there is no prompt 'call-them'"
