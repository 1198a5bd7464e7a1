"""`dialerd amd report` on a real store."""

from __future__ import annotations

import json

from dialerd.cli.main import FAILED, OK
from dialerd.core.records import Answerer
from dialerd.store import open_store
from tests.store.kit import call, filled_list, people, running, take


def test_verdicts_of_a_store_are_told(config, command):
    store = open_store(config.parent / "data")
    running(store, filled_list(store, "a", people(40)), "spring")
    lead, other = take(store, n=2)
    call(store, lead, keys="1", answerer=Answerer.MACHINE, verdict_ms=900)
    call(store, other, answerer=Answerer.HUMAN, verdict_ms=700)
    store.close()
    done = command("amd", "report", "--json")
    assert (done.code, done.err) == (OK, "")
    [row] = json.loads(done.out)
    assert (row["campaign"], row["human"], row["machine"]) == ("spring", 1, 1)
    assert (row["known_humans"], row["humans_as_machines"]) == (1, 1)
    assert "too few" in row["advice"]
    assert json.loads(command("amd", "report", "--json", "--trunk", "no").out) == []
    assert json.loads(command("amd", "report", "--json", "--since", "2999-01-01").out) == []
    shown = command("amd", "report", "--campaign", "spring")
    assert shown.code == OK
    assert "1 of 1" in shown.out
    assert command("amd", "report", "--campaign", "gone").code == FAILED
