"""DIALERD_KILL_AT: the daemon dies exactly there, as its store and the carrier show."""

import signal

import pytest

from dialerd.core.records import LeadState
from dialerd.shell.kill_points import BROADCAST_POINTS, VARIABLE, KillPointError, Trap, wanted
from dialerd.store import open_store
from tests.daemon.gateway import Gateway
from tests.daemon.test_cdr import MORE, lines
from tests.daemon.test_daemon import broadcast, people
from tests.daemon.test_trunks import attempts
from tests.interop.sipp import sipp
from tests.waiting import until

PEOPLE = 3


def test_the_variable_names_a_point_and_a_passage():
    assert wanted({}) is None
    assert wanted({VARIABLE: ""}) is None
    assert wanted({VARIABLE: "claim"}) == ("claim", 1)
    assert wanted({VARIABLE: "finish:12"}) == ("finish", 12)


@pytest.mark.parametrize("text", ["no", "claim:0", "claim:-1", "claim:x", "claim:1:2", ":3"])
def test_what_is_no_point_is_refused_with_those_that_are(text):
    with pytest.raises(KillPointError, match="begin_dial"):
        wanted({VARIABLE: text})


def test_a_point_is_passed_as_often_as_asked(monkeypatch):
    died = []
    monkeypatch.setattr("os.kill", lambda _, number: died.append(number))
    trap = Trap("finish", 3)
    for point in ("finish", "claim", "finish", "claim", "claim"):
        trap.passed(point)
    assert died == []
    trap.passed("finish")
    assert died == [signal.SIGKILL]


def test_a_wrong_point_stops_the_start_with_one_line(daemon):
    d = daemon().start(DIALERD_KILL_AT="nowhere")
    _, text = d.process.communicate(timeout=200)
    assert d.process.returncode == 1
    assert text.splitlines()[-1].startswith("error: DIALERD_KILL_AT=nowhere")
    assert "Traceback" not in text


@pytest.mark.parametrize("point", [point for point in BROADCAST_POINTS if point != "export"])
def test_the_daemon_dies_at_the_point(daemon, point):
    with Gateway() as carrier:
        d = daemon(gateway=carrier.port).start(DIALERD_KILL_AT=point)
        with d.ready() as client:
            people(d.folder, PEOPLE)
            broadcast(client, calls_per_s_max=20.0)
            d.process.communicate(timeout=200)
        assert d.process.returncode == -signal.SIGKILL
        if point not in {"claim", "begin_dial"}:
            until(lambda: carrier.calls)  # it may have been read a moment after
        calls = list(carrier.calls.values())
    tried = [one for lead in attempts(d.folder) for one in lead]
    ended = [one for one in tried if one.outcome is not None]
    store = open_store(d.folder / "data")
    leads = store.progress(1).leads
    problems = store.problems()
    store.close()
    assert problems == []
    assert len(calls) <= len(tried)
    if point == "claim":
        assert leads[LeadState.CLAIMED] == PEOPLE
        assert not calls
        assert not tried
    elif point == "begin_dial":
        assert not calls
        assert leads[LeadState.DIALING] == len(tried) >= 1
    else:
        assert calls
        assert len(ended) == (point == "finish")
    if point in {"bye", "finish"}:
        assert any(call.ended for call in calls)
    elif calls:
        assert not any(call.ended for call in calls)


@pytest.mark.parametrize("passage", [1, 2, 3, 4])
def test_no_line_is_lost_or_twice_when_it_dies_over_its_files(daemon, passage, tmp_path):
    with sipp(tmp_path, "switched_off", 10_000) as carrier:
        d = daemon(gateway=carrier.port, more=MORE)
        d.start(DIALERD_KILL_AT=f"export:{passage}")
        with d.ready() as client:
            people(d.folder, 90)
            broadcast(client, calls_per_s_max=30.0)
            d.process.communicate(timeout=200)
        assert d.process.returncode == -signal.SIGKILL
    store = open_store(d.folder / "data", readonly=True)
    counted = [cursor.seq for cursor in store.cursors()]
    written = [row["seq"] for row in lines(d.folder)]
    store.close()
    assert written == list(range(1, len(written) + 1))
    if passage % 2:  # the file is ahead of its cursor, by what was written last
        assert sum(counted) < len(written)
    else:
        assert counted == [len(written)]
    d.start()
    with d.ready():
        assert d.stop()[0] == 0
    store = open_store(d.folder / "data", readonly=True)
    rows = lines(d.folder)
    assert [row["seq"] for row in rows] == list(range(1, store.last_ended() + 1))
    ended = store.ended(0, len(rows))
    assert [row["attempt"] for row in rows] == [one.attempt.attempt_id for one in ended]
    store.close()
