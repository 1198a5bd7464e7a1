"""Scripts, flows and questionnaires over the socket: a page that is reloaded finds all again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dialerd.core import control as api
from dialerd.core import scripts_view as view
from dialerd.core.flow_spec import FlowSpec
from dialerd.core.ops import BeginDial, Claim
from dialerd.core.records import CampaignState, DialMode
from dialerd.core.script_spec import ScriptSpec
from tests.control.desk import NOW_MS, Booth, booth, client, spec

SURVEY = {
    "name": "s",
    "items": [
        {"id": "hello", "text": "Hello {name}, {town}?"},
        {"id": "free", "text": "Have you time?", "asks": "yes_no", "required": True,
         "branches": [{"answer": "no", "to": "end"}]},
        {"id": "pleased", "text": "How pleased?", "asks": "scale", "least": 1, "most": 5,
         "branches": [{"most": 3, "to": "why"}], "then": "end"},
        {"id": "why", "text": "Why?", "asks": "multi", "hint": "do not read",
         "choices": [{"id": "price", "text": "The price"}, "staff"]},
    ],
}  # fmt: skip


def script(**changes: object) -> ScriptSpec:
    return msgspec.convert(SURVEY | changes, ScriptSpec)


async def dialed(b: Booth) -> Claim:
    """The first customer of a running campaign with the script is being called."""
    await b.people()
    who = b.control
    made = spec(mode=DialMode.MANUAL, steps=(), script="s")
    await who.create_campaign(api.CreateCampaign(spec=made, who="an"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        await who.act(api.ActOnCampaign(campaign="1", action=action, who="an"))
    (claim,) = (await b.store.claim(1, 1, NOW_MS, 60)).claims
    await b.store.apply([BeginDial(claim.attempt_id, "a", "id", "any", NOW_MS)])
    return claim


def plain(**changes: object) -> ScriptSpec:
    """Without columns that these people lack."""
    items = [{**SURVEY["items"][0], "text": "Hello"}, *SURVEY["items"][1:]]
    return script(items=items, **changes)


async def test_scripts_and_flows_are_saved_listed_and_read(path: Path) -> None:
    flow = msgspec.convert({"name": "f", "steps": [{"prompt": "hello"}]}, FlowSpec)
    async with booth(path), client(path) as c:
        first = await c.call(view.SaveScript(spec=script(), who="an"))
        assert (first.version, first.who) == (1, "an")
        same = await c.call(view.SaveScript(spec=script(), who="binh"))
        assert (same.version, same.who) == (1, "an")
        later = script(items=SURVEY["items"][:2])
        assert (await c.call(view.SaveScript(spec=later, who="binh"))).version == 2
        assert (await c.call(view.SaveFlow(spec=flow, who="an"))).spec == flow
        old = await c.call(view.GetScript(name="s", version=1))
        assert len(old.spec.items) == 4
        assert (await c.call(view.GetFlow(name="f"))).version == 1
        saved = await c.call(view.ListScripts())
        assert [(one.name, one.version, one.size) for one in saved.scripts] == [("s", 2, 2)]
        assert [(one.name, one.version, one.size) for one in saved.flows] == [("f", 1, 1)]
        for lost in (view.GetScript(name="x"), view.GetScript(name="s", version=9),
                     view.GetFlow(name="x")):  # fmt: skip
            with pytest.raises(api.NotFound):
                await c.call(lost)


async def test_faults_are_told_with_their_places(path: Path) -> None:
    items = [*SURVEY["items"], {"id": "lost", "text": "?", "then": "gone"}]
    loop = [{"prompt": "hello", "keys": {"1": "end"}, "wait_ms": 1, "otherwise": "start"}]
    async with booth(path), client(path) as c:
        with pytest.raises(api.Invalid) as raised:
            await c.call(view.SaveScript(spec=script(items=items), who="an"))
        assert "/spec/items/4/then" in [fault.pointer for fault in raised.value.faults]
        flow = msgspec.convert({"name": "f", "steps": loop}, FlowSpec)
        with pytest.raises(api.Invalid) as raised:
            await c.call(view.SaveFlow(spec=flow, who="an"))
        assert [fault.pointer for fault in raised.value.faults] == ["/spec/steps/0/otherwise"]
        assert await c.call(view.ListScripts()) == view.Saved(scripts=(), flows=())


async def test_a_round_of_keys_is_noted(path: Path) -> None:
    steps = [{"prompt": "hello", "keys": {"1": "start"}, "wait_ms": 1}]
    async with booth(path), client(path) as c:
        flow = msgspec.convert({"name": "f", "steps": steps}, FlowSpec)
        (note,) = (await c.call(view.SaveFlow(spec=flow, who="an"))).notes
        assert "start - start" in note


async def test_row_18_answers_are_kept_one_by_one_and_survive_a_reload(path: Path) -> None:
    async with booth(path) as b:
        await b.control.save_script(view.SaveScript(spec=plain(), who="an"))
        claim = await dialed(b)
        of = {"campaign": "1", "lead": claim.lead_id, "attempt": claim.attempt_id}
        async with client(path) as c:
            empty = await c.call(view.GetSheet(campaign="1", lead=claim.lead_id))
            assert (empty.attempt, empty.at, empty.complete) == (claim.attempt_id, "free", False)
            assert [item.id for item in empty.items] == ["hello", "free"]
            assert empty.items[1].expects
            half = await c.call(view.SaveAnswers(**of, answers={"free": "có"}, agent="lan"))
            assert half.at == "pleased"
        async with client(path) as c:  # the page was reloaded
            again = await c.call(view.GetSheet(**of))
            assert again == half
            assert again.kept == {"free": True}
            low = await c.call(view.SaveAnswers(**of, answers={"pleased": 2}))
            assert low.at == "why"
            assert low.items[-1].choices == (
                view.SheetChoice(id="price", text="The price"),
                view.SheetChoice(id="staff", text="staff"),
            )
            full = await c.call(view.SaveAnswers(**of, answers={"why": ("price",)}))
            assert full.complete
            assert full.items[-1].shown == "The price"
            high = await c.call(view.SaveAnswers(**of, answers={"pleased": "5"}))
            assert [item.id for item in high.items] == ["hello", "free", "pleased"]
            assert high.kept == {"free": True, "pleased": 5, "why": ("price",)}  # cut off, kept
            kept = b.store.answers(1, claim.lead_id)[0].answers["free"]
            assert kept.agent == "lan"


async def test_row_18_what_does_not_fit_is_told_and_nothing_of_it_is_kept(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.control.save_script(view.SaveScript(spec=plain(), who="an"))
        claim = await dialed(b)
        of = {"campaign": "1", "lead": claim.lead_id, "attempt": claim.attempt_id}
        wrong = {"free": "yes", "pleased": "nine", "gone": 1}
        with pytest.raises(api.Invalid) as raised:
            await c.call(view.SaveAnswers(**of, answers=wrong))
        assert [fault.pointer for fault in raised.value.faults] == [
            "/answers/pleased", "/answers/gone",
        ]  # fmt: skip
        assert (await c.call(view.GetSheet(**of))).kept == {}
        for lost in ({"lead": 77}, {"attempt": claim.attempt_id + 1}, {"campaign": "x"}):
            with pytest.raises(api.NotFound):
                await c.call(view.SaveAnswers(**(of | lost), answers={}))
        assert b.store.campaign(1).state is CampaignState.RUNNING


async def test_who_was_not_called_has_no_questionnaire(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.control.save_script(view.SaveScript(spec=plain(), who="an"))
        await dialed(b)
        with pytest.raises(api.NotFound, match=r"lead 2 of .* has no questionnaire"):
            await c.call(view.GetSheet(campaign="1", lead=2))
