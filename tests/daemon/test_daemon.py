"""`dialerd run` as a process: starts, refuses to start, dials, drains, and cleans up."""

import signal
import time

import pytest

from dialerd.core import control as api
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.lines_view import Reload
from dialerd.core.records import CampaignState, Contact, Outcome
from dialerd.core.step_spec import StepSpec
from dialerd.store import open_store, wait
from tests.interop.sipp import sipp


def people(folder, n, first=84912000000):
    store = open_store(folder / "data")
    made = wait(store.create_list("people", 1))
    rows = [
        Contact(phone=first + i, original=str(first + i), carrier="vinaphone") for i in range(n)
    ]
    wait(store.add_contacts(made.list_id, rows))
    store.close()


def broadcast(client, **settings):
    settings = {"steps": (StepSpec(prompt="en/thanks"),), "calls_per_s_max": 20.0, **settings}
    spec = CampaignSpec(name="b", list="people", regime="loopback", **settings)
    client.call(api.CreateCampaign(spec=spec, who="test"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        client.call(api.ActOnCampaign(campaign="b", action=action, who="test"))


def until_finished(client, seconds=200):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        books = client.call(api.GetProgress(campaign="b"))
        if books.state is CampaignState.FINISHED:
            return books
        time.sleep(0.1)
    raise AssertionError(f"not finished: {books}")


def test_a_campaign_runs_to_its_end_over_real_sip(daemon, tmp_path):
    with sipp(tmp_path, "uas", 30) as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 30)
            broadcast(client)
            books = until_finished(client)
            status = client.call(api.GetStatus())
        judged = gateway.finish()
        code, text = d.stop()
    assert books.outcomes[Outcome.ANSWERED] == 30
    assert books.left == 0
    assert status.placed == 30
    assert judged == {"code": 0, "successful": 30, "failed": 0, "retransmissions": 0}
    assert code == 0
    assert "Traceback" not in text
    assert "dialerd has ended" in text
    assert not d.socket.exists()


def test_refusals_of_the_gateway_are_outcomes(daemon, tmp_path):
    with sipp(tmp_path, "switched_off", 5) as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 5)
            broadcast(client)
            books = until_finished(client)
        assert gateway.finish()["failed"] == 0
        d.stop()
    assert books.outcomes[Outcome.UNREACHABLE] == 5


def test_ctrl_c_drains_and_a_stopped_campaign_goes_on_later(daemon, tmp_path):
    """Calls that ring when the signal comes are cancelled after drain_s_max; none is left."""
    with sipp(tmp_path, "rings_on", 10) as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 1000)
            broadcast(client, calls_per_s_max=10.0)
            while client.call(api.GetStatus()).calls_in_flight < 5:
                time.sleep(0.05)
        code, text = d.stop(signal.SIGINT)
    assert code == 0
    assert "draining" in text
    assert "Traceback" not in text
    store = open_store(d.folder / "data")
    assert store.attempts_open() == 0
    books = store.progress(store.find_campaign("b").campaign_id)
    assert books.outcomes[Outcome.CANCELLED] + books.outcomes[Outcome.FAILED] >= 5
    assert store.find_campaign("b").state is CampaignState.RUNNING
    store.close()


def test_a_second_daemon_on_the_same_folder_is_refused(daemon):
    first = daemon().start()
    first.ready().close()
    second = daemon().start()
    _, text = second.process.communicate(timeout=200)
    assert second.process.returncode == 1
    assert text.count("\n") == 1
    assert str(first.process.pid) in text
    assert first.stop()[0] == 0


def test_a_busy_sip_port_is_named_with_its_holder(daemon, tmp_path):
    with sipp(tmp_path, "uas") as holder:
        d = daemon(sip=holder.port).start()
        _, text = d.process.communicate(timeout=200)
    assert d.process.returncode == 1
    assert f"(pid {holder.process.pid})" in text
    assert text.splitlines()[-1].startswith("error: [sip] port:")
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "line", ["[sip]\nbind = '198.51.100.7'", "[numbering]\nplan = '/no/plan.toml'"]
)
def test_what_cannot_be_used_is_one_clear_line(daemon, line):
    d = daemon()
    text = d.config.read_text()
    section = line.split("\n", 1)[0]
    if section in text:
        text = text.replace(section, line)
    else:
        text += line
    d.config.write_text(text)
    d.start()
    _, said = d.process.communicate(timeout=200)
    assert d.process.returncode in {1, 3}
    assert "Traceback" not in said
    assert "198.51.100.7" in said or "/no/plan.toml" in said


def test_an_unreachable_trunk_fails_calls_and_nothing_else(daemon):
    d = daemon(gateway=9).start()
    with d.ready() as client:
        people(d.folder, 3)
        broadcast(client)
        end = time.monotonic() + 100
        while client.call(api.GetProgress(campaign="b")).outcomes[Outcome.FAILED] < 1:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert client.call(api.GetStatus()).state is api.DaemonState.RUNNING
    assert d.stop()[0] == 0


def test_the_emergency_stop_ends_calls_and_pauses_campaigns(daemon, tmp_path):
    with sipp(tmp_path, "rings_on", 100) as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 1000)
            broadcast(client)
            while client.call(api.GetStatus()).calls_in_flight < 3:
                time.sleep(0.05)
            stopped = client.call(api.EmergencyStop(who="test"))
            assert stopped.paused == ("b",)
            end = time.monotonic() + 100
            while client.call(api.GetStatus()).calls_in_flight:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert client.call(api.GetStatus()).state is api.DaemonState.HALTED
            moves = client.call(api.GetMoves(campaign="b")).items
            assert moves[-1].after is CampaignState.PAUSED
            assert moves[-1].reason == "emergency stop"
            again = api.ActOnCampaign(campaign="b", action=api.CampaignAction.RESUME, who="test")
            client.call(again)
            assert client.call(api.GetStatus()).state is api.DaemonState.RUNNING
            while not client.call(api.GetStatus()).calls_in_flight:
                assert time.monotonic() < end
                time.sleep(0.05)
            client.call(api.Drain(who="test"))
            client.call(api.EmergencyStop(who="test"))
            with pytest.raises(api.Unavailable, match="draining"):
                client.call(again)
        assert d.stop()[0] == 0


def test_a_hangup_signal_ends_nothing(daemon):
    """What the file has become meanwhile is no configuration: nothing of it is taken over."""
    d = daemon().start()
    with d.ready() as client:
        d.config.write_text(d.config.read_text() + "[[trunk]]\nname = 3\n")
        d.process.send_signal(signal.SIGHUP)
        d.until_said("SIGHUP: the configuration is not taken over")
        with pytest.raises(api.Invalid, match="must be a text in quotes"):
            client.call(Reload(who="test"))
        assert client.call(api.GetStatus()).state is api.DaemonState.RUNNING
    assert d.stop()[0] == 0
