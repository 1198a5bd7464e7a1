"""A prompt that is removed while campaigns that name it are made, approved and finished."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dialerd.core import control as api
from dialerd.core.prompts_view import PromptChanged, PromptError, PromptTaken
from tests.control.desk import PROMPTS, Booth, booth, client, spec

REMOVE = PromptChanged(name="hello", remove=True)
CREATE = api.CreateCampaign(spec=spec(), who="an")


class Shelf:
    """Prompts of a desk that can be held in the middle of a check or of a removal."""

    def __init__(self, b: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names = set(PROMPTS)
        self.go = asyncio.Event()
        self.at: list[str] = []
        monkeypatch.setattr(b.desk, "prompt_fault", self.fault)
        monkeypatch.setattr(b.desk, "remove_prompt", self.remove)

    async def fault(self, name: str) -> str:
        there = name in self.names
        self.at.append("check")
        await self.go.wait()
        return "" if there else f"there is no prompt {name!r}"

    async def remove(self, name: str) -> PromptTaken:
        if name not in self.names:
            raise PromptError(f"there is no imported prompt {name}")
        self.at.append("remove")
        await self.go.wait()
        self.names.remove(name)
        return PromptTaken(name=name, seconds=0.0)

    async def held(self) -> None:
        """Somebody waits, and the other one had every chance to pass."""
        for _ in range(200):
            await asyncio.sleep(0)
        assert self.at


async def both(b: Booth, shelf: Shelf, first: api.Request, second: api.Request) -> list[object]:
    """Two requests, the second while the first is in the middle."""
    ask = {
        api.CreateCampaign: b.control.create_campaign,
        api.ActOnCampaign: b.control.act,
        PromptChanged: b.control.prompt_changed,
    }
    tasks = [asyncio.create_task(ask[type(first)](first))]  # type: ignore[operator, arg-type]
    await shelf.held()
    tasks.append(asyncio.create_task(ask[type(second)](second)))  # type: ignore[operator, arg-type]
    await shelf.held()
    shelf.go.set()
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def test_a_campaign_that_is_checked_keeps_its_prompts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with booth(path) as b:
        await b.people()
        shelf = Shelf(b, monkeypatch)
        made, removed = await both(b, shelf, CREATE, REMOVE)
        assert isinstance(made, api.CampaignInfo)
        assert isinstance(removed, api.Conflict)
        assert f"hello is used by {spec().name}: finish it first" in str(removed)
        assert "hello" in shelf.names


async def test_a_campaign_finds_no_prompt_that_is_being_removed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with booth(path) as b:
        await b.people()
        shelf = Shelf(b, monkeypatch)
        removed, made = await both(b, shelf, REMOVE, CREATE)
        assert isinstance(removed, PromptTaken)
        assert isinstance(made, api.Invalid)
        assert made.faults[0].pointer == "/spec/steps/0/prompt"
        assert b.store.campaigns() == []


async def test_what_is_approved_keeps_its_prompts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with booth(path) as b:
        await b.people()
        await b.control.create_campaign(CREATE)
        shelf = Shelf(b, monkeypatch)
        approve = api.ActOnCampaign(
            campaign=spec().name, action=api.CampaignAction.APPROVE, who="an"
        )
        approved, removed = await both(b, shelf, approve, REMOVE)
        assert isinstance(approved, api.CampaignInfo)
        assert isinstance(removed, api.Conflict)


async def test_over_the_socket(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        await c.call(CREATE)
        with pytest.raises(api.Conflict, match="hello is used by"):
            await c.call(REMOVE)
        assert (await c.call(PromptChanged(name="vi/chao", remove=True))).name == "vi/chao"


async def test_one_that_is_not_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with booth(path) as b, client(path) as c:
        Shelf(b, monkeypatch).go.set()
        with pytest.raises(api.NotFound, match="no imported prompt vi/none"):
            await c.call(PromptChanged(name="vi/none", remove=True))
