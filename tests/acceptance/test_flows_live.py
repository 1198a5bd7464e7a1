"""Flows in calls of the running daemon: rows of the table of capabilities."""

from __future__ import annotations

import wave

import msgspec
import numpy as np

from dialerd.config import load
from dialerd.core import control as api
from dialerd.core.keeping import recorded
from dialerd.core.records import EventKind, Outcome
from dialerd.core.step_spec import StepSpec
from dialerd.shell.chore_list import retention_of
from dialerd.store import open_store
from tests.daemon.conftest import daemon as daemon  # noqa: PLC0414 - a fixture
from tests.daemon.gateway import Gateway
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.interop.sipp import sipp

DAY_MS = 86_400_000


def steps(*each: dict[str, object]) -> tuple[StepSpec, ...]:
    return msgspec.convert(each, tuple[StepSpec, ...])


ASKED = steps(
    {"id": "menu", "prompt": "en/welcome", "keys": {"4": "code"}, "wait_ms": 5_000},
    {
        "id": "code", "prompt": "en/thanks", "then": "level",
        "gather": {"field": "code", "keys_max": 4},
    },
    {
        "id": "level",
        "choose": {"field": "code", "cases": [{"less": "3", "to": "speak"}]},
    },
    {"id": "speak", "record": {"seconds_max": 3, "stop_key": ""}, "then": "bye"},
    {"id": "bye", "prompt": "en/goodbye", "result": "answered all"},
)  # fmt: skip


def test_row_54_prompts_keys_and_what_follows_in_a_real_call(daemon, tmp_path):
    """SIPp presses 4, 2 and #, then speaks for a while and hangs up by itself."""
    with sipp(tmp_path, "presses_keys") as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 1)
            broadcast(client, steps=ASKED)
            books = until_finished(client)
        assert gateway.finish()["failed"] == 0
        d.stop()
    assert books.outcomes[Outcome.ANSWERED] == 1
    store = open_store(d.folder / "data", readonly=True)
    attempt, history = store.lead(1, 1).attempts[-1]
    store.close()
    assert attempt.keys == "42#"
    assert attempt.fields == {"code": "2"}
    told = [(event.kind, event.detail) for event in history]
    cut = [detail.partition(":")[0] for kind, detail in told if kind is EventKind.PROMPT_CUT]
    assert cut == ["en/welcome", "en/thanks"]
    assert told.index((EventKind.FIELD, "code = 2")) < told.index((EventKind.CHOSE, "code: speak"))
    assert told.index((EventKind.CHOSE, "code: speak")) < told.index((EventKind.TAPING, "speak"))
    (name,) = [detail.split()[0] for kind, detail in told if kind is EventKind.RECORDED]
    assert name.endswith("-speak.wav")
    with wave.open(str(d.folder / "data" / "recordings" / name)) as file:
        assert 0.5 < file.getnframes() / file.getframerate() < 3.5
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")[1::2]
    assert np.abs(heard.astype(np.int32)).max() > 300  # what SIPp said


def test_row_78_what_is_logged_and_recorded_and_for_how_long(daemon, tmp_path):
    with Gateway(talks=lambda user: True) as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 20)
            broadcast(
                client, record=True, record_share=40, log=("answered", "prompt_ended"),
                recordings_days=30, events_days=0,
            )  # fmt: skip
            until_finished(client)
            shown = client.call(api.GetCampaign(campaign="b")).spec
        d.stop()
    assert (shown.record_share, shown.log, shown.recordings_days) == (
        40, ("answered", "prompt_ended"), 30,
    )  # fmt: skip
    store = open_store(d.folder / "data")
    rows = [row for chunk in store.report(1) for row in chunk]
    settings = store.campaign(1).settings
    chosen = {row.lead.attempt_id for row in rows if recorded(settings, row.lead.attempt_id)}
    assert 0 < len(chosen) < 20
    folder = d.folder / "data" / "recordings"
    ended_ms = 0
    for row in rows:
        attempt, history = row.attempts[-1]
        ended_ms = max(ended_ms, attempt.ended_ms)
        files = [event.detail.split()[0] for event in history if event.kind is EventKind.RECORDED]
        assert bool(files) == (attempt.attempt_id in chosen)
        assert all((folder / name).is_file() for name in files)
        kinds = [event.kind for event in history if event.kind is not EventKind.RECORDED]
        assert kinds == [EventKind.ANSWERED, EventKind.PROMPT_ENDED]
    assert len(list(folder.glob("*/*.wav"))) == len(chosen)
    config = load(d.config, secrets=False)
    for days, left in ((29, len(chosen)), (31, 0)):
        work = retention_of(config, store, d.folder / "data", ended_ms + days * DAY_MS)
        for _ in work.steps():
            pass
        assert len(list(folder.glob("*/*.wav"))) == left
    assert len(store.lead(1, 1).attempts[-1][1]) >= 2  # interactions stay for ever
    store.close()


def test_row_78_calls_that_nobody_answers_are_recorded_too_where_so_set(daemon, tmp_path):
    """SIPp plays an announcement before it refuses."""
    with sipp(tmp_path, "announces") as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 1)
            broadcast(client, record=True, record_early=True, log=())
            until_finished(client)
        d.stop()
    store = open_store(d.folder / "data", readonly=True)
    attempt, history = store.lead(1, 1).attempts[-1]
    store.close()
    assert attempt.outcome is Outcome.UNREACHABLE
    assert [event.kind for event in history] == [EventKind.RECORDED]
    with wave.open(str(d.folder / "data" / "recordings" / history[0].detail.split()[0])) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")[1::2]
    assert np.abs(heard.astype(np.int32)).max() > 300
