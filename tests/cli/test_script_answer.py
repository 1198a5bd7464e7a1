"""`dialerd script answer` against a daemon on a real socket: it goes on where it was left."""

from __future__ import annotations

import json

from dialerd.core.ops import BeginDial
from dialerd.core.records import CampaignSettings, CampaignState, Flow
from dialerd.core.script_records import Asks, Item, Script
from dialerd.store import wait
from tests.control.desk import NOW_MS, Booth

SCRIPT = Script((
    Item("hello", "Hello {name}", "name"),
    Item("name", "Your name?", "age", Asks.TEXT, required=True),
    Item("age", "How old?", "end", Asks.NUMBER),
))  # fmt: skip


def called(daemon: Booth) -> None:
    store = daemon.store
    wait(store.save_script("s", SCRIPT, "an", NOW_MS))
    settings = CampaignSettings("c", 1, Flow(()), "loopback", script="s")
    wait(store.create_campaign(settings, "an", NOW_MS))
    for state in (CampaignState.APPROVED, CampaignState.RUNNING):
        wait(store.move_campaign(1, state, "an", NOW_MS))
    (claim,) = wait(store.claim(1, 1, NOW_MS, 60)).claims
    wait(store.apply([BeginDial(claim.attempt_id, "a", "id", "any", NOW_MS)]))


def test_a_questionnaire_is_filled_in_piece_by_piece(daemon: Booth, command) -> None:
    called(daemon)
    empty = command("script", "answer", "c", "1")
    assert empty.code == 0, empty.err
    assert "Hello {name}" in empty.out
    assert "waits for an answer to name" in empty.out
    half = command("script", "answer", "c", "1", "--answer", "name=An", "--agent", "lan")
    assert "[name] = An" in half.out
    wrong = command("script", "answer", "c", "1", "--answer", "age=old")
    assert wrong.code != 0
    assert "number" in wrong.err
    full = command("script", "answer", "c", "1", "--answer", "age=42", "--json")
    assert json.loads(full.out)["kept"] == {"name": "An", "age": 42}
    assert command("script", "answer", "c", "1").out.endswith("end\n")
    assert command("script", "answer", "c", "2").code != 0
