"""A bank of simulated modems in the daemon: campaigns on it, ports in trouble, what people ask."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialerd.core import control as api
from dialerd.core.lines_view import ListTrunks
from dialerd.core.ports_view import (
    ActOnPort,
    ListPorts,
    ModemPort,
    PortAction,
    SendText,
    SendUssd,
)
from dialerd.core.records import Outcome
from dialerd.store import LmdbStore, open_store
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.modem_bank import simulated_bank
from tests.waiting import until

BANK = """
prefixes = ["8498"]
[[bank]]
name = "sims"
slots = "{folder}/by-path/*-at"
audio = "{folder}/by-path/*-audio"
loopback = true
stagger_ms = 10
calls_per_s_max = 100
[bank.care]
gap_s = 0.2
failed_max = 0
[bank.plan]
minutes_day = 600
"""
EVERYBODY = """
speed = 10.0
[shares]
answers = 60.0
no_answer = 10.0
busy = 10.0
declines = 10.0
switched_off = 5.0
invalid = 5.0
congested = 0.0
"""
FATES = {  # what the simulated network wrote down -> what an attempt became
    ("answered", 200): {Outcome.ANSWERED},
    ("rejected", 486): {Outcome.BUSY},
    ("rejected", 603): {Outcome.DECLINED},
    ("rejected", 404): {Outcome.INVALID},
    ("rejected", 480): {Outcome.UNREACHABLE, Outcome.NO_ANSWER},
    ("cancelled", 487): {Outcome.NO_ANSWER},
}


# An answer that was over before a listing could show it looks like a call that was declined.
MISSED = {Outcome.ANSWERED, Outcome.DECLINED, Outcome.NO_ANSWER}
MISSED_MS = 2_000  # people of this network hang up after 60 ms to 960 ms, or stay 4,500 ms


def fates_of(one: dict[str, Any]) -> set[Outcome]:
    """What a call that the network saw end so may have come to."""
    brief = one["answered_ms"] and one["at_ms"] - one["answered_ms"] < MISSED_MS
    return MISSED if brief else FATES[one["what"], one["code"]]


@contextlib.contextmanager
def bank_of(folder: Path, dialects: str, ports: int, *more: str) -> Any:
    (folder / "people.toml").write_text(EVERYBODY)
    options = ("--people", str(folder / "people.toml"), "--hurry", "10", *more)
    with simulated_bank(folder / "bank", dialects, *options, ports=ports) as found:
        yield found


def ports_of(client: Any) -> dict[str, ModemPort]:
    return {one.slot: one for one in client.call(ListPorts()).items}


def all_ready(client: Any, count: int) -> None:
    until(lambda: sum(one.ready for one in ports_of(client).values()) == count, 60, 0.1)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[LmdbStore]:
    store = open_store(folder, readonly=True)
    try:
        yield store
    finally:
        store.close()


def attempts_of(folder: Path) -> list[Any]:
    with opened(folder / "data") as store:
        rows = [row for page in store.report(1) for row in page]
        assert store.problems() == []
    return [attempt for row in rows for attempt, _ in row.attempts]


def test_a_campaign_on_a_bank_is_what_the_network_saw(tmp_path: Path, daemon: Any) -> None:
    with bank_of(tmp_path, "quectel,huawei,simcom", 6) as bank:
        d = daemon(more=BANK.format(folder=bank.folder)).start()
        with d.ready() as client:
            all_ready(client, 6)
            people(d.folder, 24)
            broadcast(client, attempts_max=1, record=True)
            books = until_finished(client)
            trunks = {one.name: one for one in client.call(ListTrunks()).items}
            ports = ports_of(client)
        assert d.stop()[0] == 0
        ended = bank.ledger("ended")
        seen = bank.ledger("seen")
    assert len(seen) == len(ended) == 24
    attempts = attempts_of(d.folder)
    assert len(attempts) == 24
    assert {one.trunk for one in attempts} == {"sims"}
    assert {one.port for one in attempts} == {one["source"] for one in seen}
    assert sum(one.placed for one in ports.values()) == 24
    assert trunks["sims"].kind == "gsm"
    for one in ended:
        number = int(one["user"].removeprefix("+"))
        (attempt,) = (a for a in attempts if a.phone == number)
        assert attempt.outcome in fates_of(one), (one, attempt)
    heard = {one["source"] for one in ended_by(ended, seen) if one["rtp_received"] > 0}
    assert len(heard) > 3, "those who answered heard us, on ports of every make"
    answered = [a for a in attempts if a.outcome is Outcome.ANSWERED]
    assert books.outcomes[Outcome.ANSWERED] == len(answered)
    kept = (d.folder / "data" / "recordings").glob("*/*")
    files = {one.name.split(".")[0] for one in kept}  # one may be a WAV and half of its FLAC
    stayed = sum(0 < one["answered_ms"] < one["at_ms"] - 250 for one in ended)
    assert 3 < stayed <= len(files) <= len(answered), "who hung up at once may have none"
    with opened(d.folder / "data") as store:
        cards = store.cards()
    assert {one.port for one in cards} == {f"sims/{slot}" for slot in ports}


def test_a_port_that_loses_its_network_is_routed_round(tmp_path: Path, daemon: Any) -> None:
    with bank_of(tmp_path, "quectel", 3) as bank:
        d = daemon(more=BANK.format(folder=bank.folder)).start()
        with d.ready() as client:
            all_ready(client, 3)
            bank.tell("fault slot01 unplug 600")
            until(lambda: not ports_of(client)["slot01"].ready, 30, 0.1)
            found = ports_of(client)["slot01"]
            assert (found.state, found.busy) == ("absent", False)
            assert found.why
            people(d.folder, 8)
            broadcast(client, attempts_max=1)
            until_finished(client)
            bank.tell("plug slot01")
            all_ready(client, 3)
        assert d.stop()[0] == 0
        assert {one["source"] for one in bank.ledger("seen")} == {"slot00", "slot02"}
    assert {one.port for one in attempts_of(d.folder)} == {"slot00", "slot02"}


def test_what_people_ask_of_ports(tmp_path: Path, daemon: Any) -> None:
    with bank_of(tmp_path, "quectel,huawei", 2) as bank:
        d = daemon(more=BANK.format(folder=bank.folder)).start()
        with d.ready() as client:
            all_ready(client, 2)
            answer = client.call(SendUssd(port="sims/slot00", code="*101#", who="test"))
            assert answer.kind == "done"
            assert "31-12-2027" in answer.text  # its last day
            sent = client.call(
                SendText(port="slot01", number="+84912345678", text="xin chào", who="test")
            )
            assert sent.parts == 1
            with pytest.raises(api.NotFound, match="no port 'slot09'"):
                client.call(SendUssd(port="slot09", code="*101#", who="test"))
            with pytest.raises(api.Conflict, match="not a USSD code"):
                client.call(SendUssd(port="slot00", code="*101#;H", who="test"))
            with pytest.raises(api.Invalid, match="not a number"):
                client.call(SendText(port="slot01", number="0912;H", text="x", who="test"))
            block = ActOnPort(
                port="slot00", action=PortAction.BLOCK, who="test", reason="top it up"
            )
            assert client.call(block).why == "top it up (by test)"
            with pytest.raises(api.NotFound, match="no bank 'other'"):
                client.call(ListPorts(bank="other"))
            people(d.folder, 3)
            broadcast(client, attempts_max=1)
            until_finished(client)
            bank.tell("text slot01 +84987654321 hello there")
            with opened(d.folder / "data") as store:
                until(lambda: store.texts(0, 10), 20, 0.05)
                ((_, kept),) = store.texts(0, 10)
        assert {one["source"] for one in bank.ledger("seen")} == {"slot01"}
        assert (kept.port, kept.phone) == ("sims/slot01", 84987654321)
        assert kept.text == "hello there"
        d.stop()
        d.start()  # a lock is the card's, and outlives the process
        with d.ready() as client:
            until(lambda: ports_of(client)["slot01"].ready, 60, 0.1)
            until(lambda: ports_of(client)["slot00"].state == "locked", 60, 0.1)
            client.call(ActOnPort(port="slot00", action=PortAction.UNBLOCK, who="test"))
            all_ready(client, 2)
        assert d.stop()[0] == 0


def test_calls_of_a_killed_daemon_are_ended_by_the_next(tmp_path: Path, daemon: Any) -> None:
    with bank_of(tmp_path, "quectel", 2, "--speed", "0.5") as bank:
        d = daemon(more=BANK.format(folder=bank.folder)).start()
        with d.ready() as client:
            all_ready(client, 2)
            people(d.folder, 6)
            broadcast(client, attempts_max=1)
            until(lambda: any(one["legs"] for one in slots(bank)), 30, 0.05)
        d.process.send_signal(signal.SIGKILL)
        d.process.communicate()
        assert any(one["legs"] for one in slots(bank)), "a modem goes on without its program"
        seen = len(bank.ledger("seen"))
        d.start()
        with d.ready() as client:
            until(lambda: len(bank.ledger("ended")) >= seen, 60, 0.1)
            client.call(api.EmergencyStop(who="test"))
            all_ready(client, 2)
        assert d.stop()[0] == 0
        assert not any(one["legs"] for one in slots(bank))


def ended_by(ended: list[dict[str, Any]], seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ends of calls with the slot that dialed them."""
    sources = {one["call_id"]: one["source"] for one in seen}
    return [one | {"source": sources[one["call_id"]]} for one in ended]


def slots(bank: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bank.tell("status")["slots"]
    return found
