"""Chains of prompts when a campaign is made: every prompt, word and field is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from dialerd.core import control as api
from dialerd.core.prompts_view import PromptChanged
from dialerd.core.records import Contact
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
