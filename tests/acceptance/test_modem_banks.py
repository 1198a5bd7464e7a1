"""Banks of GSM modems, as a supervisor and an engineer see them: rows 46, 47 and 66.

Days and minutes pass in virtual time, the rest in one daemon with one simulated bank.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dialerd.config.bank_tables import Bank
from dialerd.config.line_specs import longest_call_s
from dialerd.config.trunk_tables import Plan
from dialerd.core import control as api
from dialerd.core.campaign_spec import StepSpec
from dialerd.core.ids import attempt_of
from dialerd.core.lines_view import ListTrunks, Reload
from dialerd.core.ports_view import SendUssd
from dialerd.core.records import Direction, Outcome
from dialerd.core.return_records import ReturnAnswer
from dialerd.core.return_spec import ReturnSpec
from dialerd.sim.ledger import Ended as SawEnd
from dialerd.sim.modem_card import card
from dialerd.sim.people import Manners, Shares, Town
from gsm.events import CallEnding, Cause, Ended
from tests.daemon.conftest import Daemon
from tests.daemon.test_banks import all_ready, attempts_of, ports_of
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.gsm.bank import BankModem
from tests.gsm.drive import Hand
from tests.modem_bank import simulated_bank
from tests.waiting import until

LINES = """
prefixes = ["8498"]
[[bank]]
name = "sims"
provider = "viettel"
slots = "{folder}/by-path/*-at"
audio = "{folder}/by-path/*-audio"
loopback = true
stagger_ms = 10
calls_per_s_max = 100
[bank.care]
gap_s = 0.2
failed_max = 0
[bank.plan]
call_s_max = 25
minutes_day = 60
until = 2099-12-31
[[bank.sim]]
iccid = "{own}"
prefixes = ["8490"]
"""
ADDED = """
[[trunk]]
name = "fxo"
host = "127.0.0.1"
port = 9
channels = 8
loopback = true
kind = "fxo_gateway"
provider = "vnpt"
prefixes = ["8424"]
"""
TALKERS = """
speed = 10.0
[shares]
answers = 80.0
no_answer = 0.0
busy = 20.0
declines = 0.0
switched_off = 0.0
invalid = 0.0
congested = 0.0
"""
NOBODY = dict.fromkeys(Shares.__struct_fields__, 0.0)
STAY = dict.fromkeys(Manners.__struct_fields__, 0.0) | {"waits": 1.0}
PATIENT = Town(
    shares=Shares(**(NOBODY | {"answers": 1.0})), manners=Manners(**STAY), patience_s=3_600.0
)
MOBI = 84_901_000_000


def test_row_46_and_66_sims_are_lines_with_prefixes_of_their_own(tmp_path: Path) -> None:
    (home := tmp_path / "d").mkdir()
    own = card(1, 1).iccid
    (tmp_path / "people.toml").write_text(TALKERS)
    options = ("--people", str(tmp_path / "people.toml"), "--hurry", "10")
    with simulated_bank(tmp_path / "bank", "quectel,huawei,simcom", *options, ports=3) as bank:
        d = Daemon(home, more=LINES.format(folder=bank.folder, own=own)).start()
        try:
            with d.ready() as client, d.ready() as other, ThreadPoolExecutor(1) as pool:
                all_ready(client, 3)
                told = pool.submit(next, other.events(api.Subscribe(topics=("call_ending",)), 60))
                line = next(t for t in client.call(ListTrunks()).items if t.name == "sims")
                assert (line.kind, line.provider, line.channels) == ("gsm", "viettel", 3)
                assert (line.up, line.asr) == (True, None)
                assert ports_of(client)["slot01"].iccid == own
                people(d.folder, 6, first=MOBI)
                broadcast(client, attempts_max=1)
                until(lambda: client.call(api.GetStatus()).calls_in_flight, 30, 0.05)
                d.config.write_text(d.config.read_text() + ADDED)
                assert client.call(Reload(who="test")).added == ("fxo",)
                assert client.call(api.GetStatus()).calls_in_flight, "none was dropped"
                until_finished(client)
                trunks = {one.name: one for one in client.call(ListTrunks()).items}
                all_ready(client, 3)
                client.call(SendUssd(port="slot01", code="*101#", who="test"))
                port = ports_of(client)["slot01"]
                ending = told.result(30)
            assert d.stop()[0] == 0
        finally:
            d.end()
        seen = bank.ledger("seen")
    assert trunks["fxo"].kind == "fxo_gateway"
    calls = attempts_of(home)
    answered = [one for one in calls if one.outcome is Outcome.ANSWERED]
    assert trunks["sims"].asr == pytest.approx(len(answered) / len(calls), abs=0.001)
    assert {one["source"] for one in seen} == {"slot01"}
    assert {(one.trunk, one.port) for one in calls} == {("sims", "slot01")}
    assert all("8490" in one.rule for one in calls)
    # row 47: what is used and left of the SIM, by our books and by its network
    assert port.placed == len(calls)
    assert port.use.minutes_today > 0
    assert port.use.minutes_left == pytest.approx(60 - port.use.minutes_today, abs=0.1)
    assert port.valid_until == "2027-12-31"
    assert (ending.data["bank"], ending.data["slot"]) == ("sims", "slot01")
    assert attempt_of(str(ending.data["call_id"])) in {one.attempt_id for one in answered}


@pytest.mark.parametrize("dialect", ["quectel", "huawei", "wavecom"])
def test_row_47_a_call_is_warned_of_and_cut_before_its_tenth_minute(dialect: str) -> None:
    plan = Plan(free_s=600, cut_before_paid=True)
    longest_s = longest_call_s(Bank(name="sims", plan=plan), "")
    assert 0 < longest_s <= 600
    modem = BankModem(dialect, town=PATIENT)
    hand = Hand(modem)
    hand.up()
    assert hand.dial(call_s_max=longest_s) == ""
    assert hand.run(900, lambda: bool(hand.told(Ended))), hand.story()
    (warning,) = hand.told(CallEnding)
    end = hand.told(Ended)[-1]
    assert (end.leg, end.cause, end.by) == (warning.leg, Cause.ANSWERED, "us")
    assert warning.left_s == 30
    assert 560_000 < end.talk_ms < 600_000
    hand.run(5)
    (seen,) = (entry for entry in modem.ledger if isinstance(entry, SawEnd))
    assert (seen.what, seen.by) == ("answered", "caller")
    assert seen.at_ms - seen.answered_ms < 600_000


BUSY_TOWN = """
speed = 4.0
[shares]
answers = 0.0
no_answer = 0.0
busy = 100.0
declines = 0.0
switched_off = 0.0
invalid = 0.0
congested = 0.0
"""
RETURNS = """
prefixes = ["8498"]
[[bank]]
name = "sims"
slots = "{folder}/by-path/*-at"
audio = "{folder}/by-path/*-audio"
loopback = true
stagger_ms = 10
[bank.care]
gap_s = 0.2
"""
STEPS = (
    StepSpec(prompt="en/thanks", keys={"1": "more"}, wait_ms=5_000),
    StepSpec(prompt="en/thanks", id="more"),
)


def leads(client: Any) -> dict[str, int]:
    books: dict[str, int] = client.call(api.GetProgress(campaign="b")).leads
    return books


def test_row_71_who_calls_a_port_back_hears_the_message_of_the_campaign(tmp_path: Path) -> None:
    """Known by the number and the port, on ports of two makes; a stranger is hung up."""
    (home := tmp_path / "d").mkdir()
    (tmp_path / "people.toml").write_text(BUSY_TOWN)
    options = ("--people", str(tmp_path / "people.toml"), "--hurry", "10")
    with simulated_bank(tmp_path / "bank", "quectel,huawei", *options, ports=2) as bank:
        d = Daemon(home, more=RETURNS.format(folder=bank.folder)).start()
        try:
            with d.ready() as client:
                all_ready(client, 2)
                people(d.folder, 2, first=MOBI)
                returns = ReturnSpec(answer=ReturnAnswer.MESSAGE)
                broadcast(client, steps=STEPS, returns=returns, attempts_max=2, retry_gap_s=3_600)
                until(lambda: leads(client)["retry"] == 2, 60)
                all_ready(client, 2)
                bank.tell("call slot00 84987654321 20 1")
                until(lambda: len(bank.ledger("ended")) == 3, 30)  # the stranger's too
                all_ready(client, 2)
                for number, slot in ((MOBI, 0), (MOBI + 1, 1)):
                    bank.tell(f"call slot{slot:02} {number} 60 1111")
                    until(lambda done=slot + 1: leads(client)["done"] == done, 60)
                all_ready(client, 2)
            assert d.stop()[0] == 0
        finally:
            d.end()
        rung = {one["user"] for one in bank.ledger("seen") if one["rings"]}
        calls = {one["call_id"]: one for one in bank.ledger("seen") if one["rings"]}
        ends = [one for one in bank.ledger("ended") if one["call_id"] in calls]
    stranger, *served = ends
    assert stranger["what"] == "rejected"
    assert [one["what"] for one in served] == ["answered"] * 2
    assert all(one["rtp_received"] > 20 for one in served), "they heard the message"
    assert len(rung) == 2
    back = [one for one in attempts_of(home) if one.direction is Direction.IN]
    assert [(one.phone, one.trunk, one.port) for one in back] == [
        (MOBI, "sims", "slot00"), (MOBI + 1, "sims", "slot01")
    ]  # fmt: skip
    assert [(one.outcome, set(one.keys)) for one in back] == [(Outcome.ANSWERED, {"1"})] * 2
    assert {one.lead_id for one in back} == {1, 2}
