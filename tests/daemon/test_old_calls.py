"""kill -9 with calls ringing and answered: the next daemon ends every one of them at its start."""

from __future__ import annotations

import signal
import sys

import pytest

from dialerd.core import control as api
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.records import Contact, Outcome
from dialerd.core.step_spec import StepSpec
from dialerd.shell.kill_points import VARIABLE
from dialerd.sim.io_procs import Child
from dialerd.sim.ledger import read_ledgers
from dialerd.store import open_store, wait
from dialerd.store.schema import unseal
from sip.calls.journal import Confirmed, read
from tests.daemon.test_daemon import broadcast, people
from tests.daemon.test_trunks import attempts
from tests.daemon.witness import ANSWERS, MIXED, RINGS, SILENT, Witness
from tests.interop.sipp import sipp
from tests.ports import free_port, media_ports
from tests.sip.authority import Authority
from tests.waiting import until

PEOPLE = 12
STAYS = (StepSpec(prompt="en/thanks", wait_ms=60_000, keys={"1": "end"}),)
LISTEN = '[[sip.listen]]\ntransport = "{kind}"\nbind = "127.0.0.1"\nport = {port}\n'


def dial(d, carrier, count=PEOPLE):
    """Start, dial, and die when the carrier has seen as much as a call of this mode shows."""
    d.start()
    with d.ready() as client:
        people(d.folder, count)
        broadcast(client, steps=STAYS, calls_per_s_max=40.0)
        until(lambda: len(carrier.calls) == count)
        for call in carrier.calls.values():
            if call.answered:
                until(lambda call=call: "ACK" in call.methods)
        if carrier.mode != SILENT:
            until(lambda: kept(d) == count)
        client.call(api.ActOnCampaign(campaign="b", action=api.CampaignAction.PAUSE, who="test"))
    kill(d)


def kept(d):
    """How many lines say more than that an INVITE left: a first sign, or the answer."""
    return sum(isinstance(line, Confirmed) or line.heard for line in journal_of(d))


def journal_of(d):
    store = open_store(d.folder / "data", readonly=True)
    rows = store._read(lambda unit: unit.t.dialogs.scan(b"", b"\xff" * 9, 1_000))
    store.close()
    return [read(line) for line in (unseal(raw) for _, raw in rows) if line]


def kill(d):
    d.process.send_signal(signal.SIGKILL)
    d.process.communicate(timeout=200)


def left(d):
    store = open_store(d.folder / "data", readonly=True)
    found, problems = store.old_calls(), store.problems()
    store.close()
    assert problems == []
    return found


def again(d, carrier, count=PEOPLE):
    """The next daemon, until it has ended the calls of before; what it wrote."""
    d.start()
    with d.ready() as client:
        until(lambda: client.call(api.GetStatus()).counters["old_calls_left"] == 0)
        assert client.call(api.GetStatus()).counters["old_calls_found"] == count
    code, text = d.stop()
    assert code == 0
    assert "Traceback" not in text
    assert left(d) == []
    tried = [one for lead in attempts(d.folder) for one in lead]
    assert [one.outcome for one in tried] == [Outcome.INTERRUPTED] * count
    assert {one.call_id for one in tried} == set(carrier.calls)
    return text


def numbers(carrier, method):
    """CSeq and Via of what was heard of each call under a method, first ones only."""
    first = {}
    for one in carrier.heard:
        if one.method == method:
            first.setdefault(one.call_id, one)
    return first


def after_restart(carrier, answered):
    """Each was hung up or cancelled, once, on the dialog or branch of its INVITE."""
    byes, cancels = numbers(carrier, "BYE"), numbers(carrier, "CANCEL")
    for call_id, call in carrier.calls.items():
        if call.answered and answered:
            bye = byes[call_id]
            assert bye.value("From") == call.invite.value("From")
            assert bye.value("To").endswith(";tag=gw")
            assert int(bye.value("CSeq").split()[0]) > int(call.invite.value("CSeq").split()[0])
            assert call_id not in cancels
        else:
            assert cancels[call_id].value("Via") == call.invite.value("Via")
            assert call_id not in byes


@pytest.mark.parametrize("kind", ["udp", "tcp", "tls"])
def test_every_call_of_before_is_ended(daemon, tmp_path, kind):
    more, tls = "", None
    if kind != "udp":
        more = f'transport = "{kind}"\n' + LISTEN.format(kind=kind, port=free_port())
    if kind == "tls":
        authority = Authority(tmp_path)
        tls = authority.issue("carrier", "IP:127.0.0.1")
        more += f'ca = "{authority.file}"\n'
    with Witness(MIXED, kind, tls) as carrier:
        d = daemon(gateway=carrier.port, more=more)
        dial(d, carrier)
        text = again(d, carrier)
        after_restart(carrier, answered=True)
    half = PEOPLE // 2
    assert f"{PEOPLE} calls of before ended: {half} cancelled, {half} hung up" in text


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_bye_goes_to_the_target_that_the_peer_named_last(daemon, method):
    with Witness(ANSWERS) as carrier:
        d = daemon(gateway=carrier.port).start()
        with d.ready() as client:
            people(d.folder, 3)
            broadcast(client, steps=STAYS, calls_per_s_max=40.0)
            until(lambda: len(carrier.calls) == 3)
            for call in carrier.calls.values():
                until(lambda call=call: "ACK" in call.methods)
            carrier.move_all(method, "moved")
            until(lambda: all(b"moved" in getattr(one, "target", b"") for one in journal_of(d)))
        kill(d)
        again(d, carrier, 3)
    byes = numbers(carrier, "BYE").values()
    assert [bye.text.split("@")[0] for bye in byes] == ["BYE sip:moved"] * 3


def test_new_calls_begin_while_the_old_ones_are_ended(daemon):
    with Witness(RINGS) as carrier:
        d = daemon(gateway=carrier.port)
        dial(d, carrier, 3)
        carrier.mode = ANSWERS
        d.start()
        with d.ready() as client:
            people_more(d, 3)
            spec_of_new(client)
            until(lambda: sum(call.answered for call in carrier.calls.values()) == 3)
        assert d.stop()[0] == 0
    old, new = list(carrier.calls.values())[:3], list(carrier.calls.values())[3:]
    assert all("CANCEL" in call.methods for call in old)
    assert all(call.methods[0] == "ACK" for call in new)


def people_more(d, count):
    store = open_store(d.folder / "data")
    made = wait(store.create_list("more", 1))
    rows = [Contact(84912900000 + i, str(i), "vinaphone") for i in range(count)]
    wait(store.add_contacts(made.list_id, rows))
    store.close()


def spec_of_new(client):
    spec = CampaignSpec(name="new", list="more", regime="loopback", steps=STAYS)
    client.call(api.CreateCampaign(spec=spec, who="test"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        client.call(api.ActOnCampaign(campaign="new", action=action, who="test"))


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up(daemon):
    with Witness(RINGS) as carrier:
        d = daemon(gateway=carrier.port)
        dial(d, carrier, 4)
        carrier.late = True
        text = again(d, carrier, 4)
    assert [call.methods for call in carrier.calls.values()] == [["CANCEL", "ACK", "BYE"]] * 4
    assert "4 calls of before ended: 4 hung up" in text


def test_what_was_never_heard_of_is_not_cancelled_and_hung_up_when_it_answers(daemon):
    """RFC 3261 section 9.1: there is no CANCEL before a provisional response."""
    with Witness(SILENT) as carrier:
        d = daemon(gateway=carrier.port)
        dial(d, carrier, 3)
        before = len(carrier.heard)
        d.start()
        with d.ready() as client:
            assert client.call(api.GetStatus()).counters["old_calls_left"] == 3
            assert len(carrier.heard) == before, "neither CANCEL nor INVITE"
            carrier.answer_all()
            until(lambda: client.call(api.GetStatus()).counters["old_calls_left"] == 0)
        assert d.stop()[0] == 0
    assert [call.methods for call in carrier.calls.values()] == [["ACK", "BYE"]] * 3


def test_a_trunk_that_wants_a_password_gets_it_with_the_bye(daemon):
    more = 'username = "u"\npassword = "secret"\n'
    with Witness(MIXED, password="secret") as carrier:
        d = daemon(gateway=carrier.port, more=more)
        dial(d, carrier, 4)
        assert set(carrier.refused) == {"INVITE"}
        again(d, carrier, 4)
        after_restart(carrier, answered=True)
    assert carrier.refused.count("BYE") == 2, "each BYE was challenged once"


@pytest.mark.parametrize(
    ("point", "methods"),
    [
        ("begin_dial", None),
        ("invite_sent", []),
        ("answer", []),
        ("ack_journal", ["ACK", "BYE"]),
        ("finish", ["ACK", "BYE"]),
    ],
)
def test_killed_exactly_there(daemon, point, methods):
    """What the carrier hears of the one call, from its INVITE to the end of the next daemon.

    `answer`: nothing was recorded of the 180 and the 200 that came with it, so its repeated 200 is
    what gets ACK and BYE.
    """
    mode = SILENT if point in {"begin_dial", "invite_sent"} else ANSWERS
    with Witness(mode) as carrier:
        d = daemon(gateway=carrier.port).start(**{VARIABLE: point})
        with d.ready() as client:
            people(d.folder, 1)
            broadcast(client)
            d.process.communicate(timeout=200)
        assert d.process.returncode == -signal.SIGKILL
        found = 0 if point == "finish" else 1
        d.start()
        with d.ready() as client:
            assert client.call(api.GetStatus()).counters["old_calls_found"] == found
            for call in carrier.calls.values():
                until(lambda call=call: call.methods == methods)
            if point == "answer":
                carrier.answer_all()
                (call,) = carrier.calls.values()
                until(lambda: call.methods == ["ACK", "BYE"])
        assert d.stop()[0] == 0
        assert len(carrier.calls) == (point != "begin_dial")
    assert left(d) == [] or mode == SILENT


def test_a_process_that_dies_over_it_leaves_the_rest_to_the_next(daemon):
    with Witness(ANSWERS) as carrier:
        d = daemon(gateway=carrier.port)
        dial(d, carrier, 4)
        carrier.deaf = True
        d.start()
        d.ready().close()
        kill(d)
        assert len(left(d)) == 4
        carrier.deaf = False
        again(d, carrier, 4)
    assert all("BYE" in call.methods for call in carrier.calls.values())


def start_dialing(d, count):
    client = d.start().ready()
    people(d.folder, count)
    broadcast(client, steps=STAYS, calls_per_s_max=40.0)
    return client


@pytest.mark.parametrize(("scenario", "kind"), [("rings_on", "i"), ("uas", "c")])
def test_sipp_sees_its_calls_end_as_they_should(daemon, tmp_path, scenario, kind):
    """One that only rings wants a CANCEL and the ACK of its 487, the other a BYE."""
    with sipp(tmp_path, scenario, PEOPLE) as carrier:
        d = daemon(gateway=carrier.port)
        with start_dialing(d, PEOPLE) as client:
            until(lambda: kept(d) == PEOPLE)
            if kind == "c":
                until(lambda: all(isinstance(one, Confirmed) for one in journal_of(d)))
            client.call(api.ActOnCampaign(campaign="b", action=api.CampaignAction.PAUSE, who="t"))
        kill(d)
        d.start().ready().close()
        judged = carrier.finish(60)
        assert d.stop()[0] == 0
    assert (judged["code"], judged["successful"], judged["failed"]) == (0, PEOPLE, 0)


def test_the_ledger_of_a_simulated_carrier_has_no_call_left(daemon, tmp_path):
    """Half of its people answer and stay, the others let it ring; nobody hangs up by himself."""
    port, (low, high) = free_port(), media_ports()
    ledger, town = tmp_path / "ledger.jsonl", tmp_path / "people.toml"
    town.write_text(
        "ring_s_median = 0.5\nnetwork_ring_s_max = 600\npatience_s = 600\nprompt_s = 600\n"
        "[shares]\nanswers = 50\nno_answer = 50\nbusy = 0\ndeclines = 0\nswitched_off = 0\n"
        "invalid = 0\ncongested = 0\n"
        "[manners]\nat_once = 0\nduring = 0\nafter = 0\npresses = 0\nwaits = 1\n"
    )
    words = ("--name", "c", "--port", str(port), "--ledger", str(ledger), "--people", str(town))
    command = [sys.executable, "-m", "dialerd.sim.io_carrier", *words]
    ports = ("--rtp-low", str(low + 200), "--rtp-high", str(high))
    carrier = Child("the carrier", [*command, *ports], tmp_path / "carrier.log")
    try:
        until(lambda: b"ready" in carrier.output())
        d = daemon(gateway=port)
        with start_dialing(d, 20) as client:
            until(lambda: kept(d) == 20)
            until(lambda: sum(isinstance(one, Confirmed) for one in journal_of(d)) >= 5)
            client.call(api.ActOnCampaign(campaign="b", action=api.CampaignAction.PAUSE, who="t"))
        kill(d)
        assert all(call.up for call in read_ledgers([ledger]).calls)
        d.start().ready().close()
        until(lambda: not any(call.up for call in read_ledgers([ledger]).calls))
        assert d.stop()[0] == 0
    finally:
        carrier.stop(20)
    calls = read_ledgers([ledger]).calls
    assert len(calls) == 20
    assert {call.copies for call in calls} == {1}, "no INVITE came again"
    assert {call.ended.by for call in calls} == {"caller"}
    assert {call.ended.what for call in calls} == {"answered", "cancelled"}
    assert {call.seen.call_id for call in calls} == {one[0].call_id for one in attempts(d.folder)}
