"""Customers who call the daemon back: SIPp and `dialerd call` are the customers."""

from __future__ import annotations

import shutil
import signal
import wave
from pathlib import Path

import pytest

from dialerd.core import control as api
from dialerd.core.campaign_spec import CampaignSpec, StepSpec
from dialerd.core.records import Direction, EventKind, LeadState, Outcome
from dialerd.core.return_records import ReturnAnswer
from dialerd.core.return_spec import ReturnSpec
from dialerd.store import open_store
from tests.daemon.test_daemon import people
from tests.interop.listening import called
from tests.interop.sipp import sipp
from tests.waiting import until

pytestmark = pytest.mark.interop
PHONE = 84912000000
KEYS = Path("/usr/share/sip-tester/dtmf_2833_1.pcap")
STEPS = (
    StepSpec(prompt="en/thanks", keys={"1": "more"}, wait_ms=5_000),
    StepSpec(prompt="en/thanks", id="more"),
)


def dialed_once(client, **settings) -> None:
    """A campaign that called its one person, who was busy."""
    settings = {"steps": STEPS, "returns": ReturnSpec(answer=ReturnAnswer.MESSAGE), **settings}
    spec = CampaignSpec(
        name="c", list="people", regime="loopback", attempts_max=2, retry_gap_s=3_600, **settings
    )
    client.call(api.CreateCampaign(spec=spec, who="test"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        client.call(api.ActOnCampaign(campaign="c", action=action, who="test"))
    until(lambda: client.call(api.GetProgress(campaign="c")).leads["retry"] == 1)


def judged(d):
    """The lead, its attempts, and that the store is sound."""
    store = open_store(d.folder / "data")
    try:
        assert store.problems() == []
        row = store.lead(1, 1)
        return row.lead, row.attempts
    finally:
        store.close()


@pytest.fixture
def office(daemon, tmp_path):
    """A daemon with one person who was busy when we called."""

    def make(carrier: int, **variables: str):
        d = daemon(gateway=carrier)
        people(d.folder, 1, PHONE)
        return d.start(**variables)

    shutil.copy(KEYS, tmp_path / "keys.pcap")
    return make


def test_a_customer_calls_back_presses_a_key_and_is_served(office, tmp_path):
    with sipp(tmp_path, "busy") as carrier:
        d = office(carrier.port)
        with d.ready() as client:
            dialed_once(client, record=True)
            carrier.finish()
            keys = ("-key", "caller", str(PHONE), "-s", "02873001234", f"127.0.0.1:{d.sip}")
            with sipp(tmp_path, "calls_back", 1, *keys) as customer:
                done = customer.finish()
            until(lambda: client.call(api.GetProgress(campaign="c")).leads["done"] == 1)
        code, text = d.stop()
    assert (done["successful"], done["failed"]) == (1, 0)
    assert (code, "Traceback" in text) == (0, False)
    lead, ((out, _), (back, events)) = judged(d)
    assert (out.outcome, back.outcome) == (Outcome.BUSY, Outcome.ANSWERED)
    assert (back.direction, back.called, back.keys) == (Direction.IN, "02873001234", "1")
    assert (lead.state, lead.attempts) == (LeadState.DONE, 1)
    kinds = [event.kind for event in events]
    assert kinds[:3] == [EventKind.CALLED_BACK, EventKind.ANSWERED, EventKind.PROMPT_STARTED]
    assert {EventKind.PROMPT_CUT, EventKind.DIGIT, EventKind.RECORDED} <= set(kinds)
    kept = list((d.folder / "data" / "recordings").rglob("*.[wf]*"))
    assert any(one.name.startswith("in-") for one in kept), "no caller chooses the name"


def test_the_message_is_heard_and_strangers_are_refused(office, tmp_path):
    heard = tmp_path / "heard.wav"
    with sipp(tmp_path, "busy") as carrier:
        d = office(carrier.port)
        with d.ready() as client:
            dialed_once(client, steps=(StepSpec(prompt="en/thanks"),))
            uri = f"sip:02873001234@127.0.0.1:{d.sip}"
            stranger = called(uri, "--from", "0987654321")[1]
            code, report, _ = called(uri, "--from", "0912000000", "--record", str(heard))
            until(lambda: client.call(api.GetProgress(campaign="c")).leads["done"] == 1)
            again = called(uri, "--from", "+84912000000", "--seconds", "0.3")
        d.stop()
    assert stranger["sip_code"] == 480
    assert (code, report["released_by"]) == (0, "them")
    assert again[0] == 0, "whoever is served may call again"
    with wave.open(str(heard)) as wav:
        assert wav.getnchannels() == 2
        assert loud(wav.readframes(wav.getnframes())) > 4_000, "the message is heard"
    lead, attempts = judged(d)
    assert lead.state is LeadState.DONE
    assert [one.direction for one, _ in attempts] == ["out", "in", "in"]


def loud(stereo: bytes) -> int:
    """Samples of the right channel, what came, that are not silence."""
    samples = memoryview(stereo).cast("h")[1::2]
    return sum(abs(sample) > 500 for sample in samples)


@pytest.mark.parametrize("point", ["take_return", "established"])
def test_killed_in_a_call_back_the_next_daemon_ends_it(office, tmp_path, point):
    with sipp(tmp_path, "busy") as carrier:
        d = office(carrier.port, DIALERD_KILL_AT=point)
        with d.ready() as client:
            dialed_once(client)
        keys = ("-key", "caller", str(PHONE), "-s", "02873001234", f"127.0.0.1:{d.sip}")
        with sipp(tmp_path, "calls_back", 1, *keys) as customer:
            d.process.communicate(timeout=200)
            assert d.process.returncode == -signal.SIGKILL
            d.start()
            with d.ready() as client:
                if point == "established":
                    assert customer.finish()["successful"] == 1, "its BYE came"
                until(lambda: client.call(api.GetStatus()).counters["old_calls_left"] == 0)
            d.stop()
    lead, (_, (back, _)) = judged(d)
    assert (back.direction, back.outcome) == (Direction.IN, Outcome.INTERRUPTED)
    assert lead.state is LeadState.RETRY
