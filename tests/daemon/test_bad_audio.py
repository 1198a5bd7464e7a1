"""A call without audio, and one without an end: outcome, log line, and what onlookers are shown."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import re
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from admin_http.tokens import Scope
from dialerd.control.io_client import SyncClient
from dialerd.core.control import Subscribe, Unavailable
from dialerd.core.records import EventKind, Outcome
from dialerd.core.step_spec import StepSpec
from dialerd.store import open_store
from tests.command_line import dialerd
from tests.daemon.conftest import Daemon
from tests.daemon.gateway import Gateway
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.daemon.web import make_token
from tests.waiting import LONGEST_S, until

pytestmark = pytest.mark.xdist_group("bad_audio")  # one daemon for all
MUTE, TALKER = "+84912000000", "+84912000001"


class Onlooker:
    """Collects the `audio` events of one way to them."""

    def __init__(self, events: Iterator[dict[str, object]]) -> None:
        self.heard: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._follow, args=(events,))
        self._thread.start()

    def _follow(self, events: Iterator[dict[str, object]]) -> None:
        for event in events:
            self.heard.put(event)

    def ended(self) -> list[dict[str, object]]:
        """All that was heard, when the daemon is gone."""
        self._thread.join(LONGEST_S)
        assert not self._thread.is_alive()
        return [self.heard.get() for _ in range(self.heard.qsize())]


def by_socket(client: SyncClient) -> Iterator[dict[str, object]]:
    try:
        for event in client.events(Subscribe(topics=("audio",)), LONGEST_S):
            assert event.topic == "audio"
            yield event.data
    except (Unavailable, OSError):
        client.close()


def by_http(d) -> Iterator[dict[str, object]]:
    secret = make_token(d.folder / "data", Scope.READ)
    request = urllib.request.Request(
        f"http://127.0.0.1:{d.http}/v1/stream?topics=audio",
        headers={"Authorization": f"Bearer {secret}"},
    )

    def opened() -> object:
        try:
            return urllib.request.urlopen(request, timeout=200)  # noqa: S310 - http, to ourselves
        except OSError:
            return None

    answers: list[object] = []
    until(lambda: answers.append(opened()) or answers[-1])
    lines = _lines(answers[-1])
    assert next(lines)["status"]["state"] == "running", "the snapshot: it follows the daemon"
    return lines


def _lines(answer) -> Iterator[dict[str, object]]:
    """The first snapshot, then the events; a reset may bring further snapshots at any time."""
    name, wanted = "", {"snapshot", "audio"}
    with answer, contextlib.suppress(OSError, http.client.HTTPException):
        for line in answer:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data" and name in wanted:
                wanted.discard("snapshot")
                yield json.loads(value)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A campaign of two calls: nothing comes from one, and the other would not end.

    The first is long enough for a look at it, of which there is one in a second: with another
    second for a machine that stands still, and for onlookers that are still on their way.
    """
    with Gateway(talks=lambda user: user == TALKER) as gateway:
        more = "[trunk.plan]\ncall_s_max = 3\n"
        d = Daemon(tmp_path_factory.mktemp("daemon"), gateway.port, admin=True, more=more)
        text = d.config.read_text().replace("[media]", "[media]\nsilence_s_max = 2.0")
        d.config.write_text(text)
        d.start()
        try:
            with d.ready() as client:
                onlookers = [Onlooker(by_socket(SyncClient(d.socket))), Onlooker(by_http(d))]
                people(d.folder, 2)
                broadcast(client, steps=(StepSpec(prompt="en/thanks", plays=9),))
                books = until_finished(client)
            code, log = d.stop()
            assert code == 0
        finally:
            d.end()
        yield d, books, log, gateway, [o.ended() for o in onlookers]


def test_no_audio_and_no_end_have_outcomes_of_their_own(ran) -> None:
    d, books, _, gateway, _ = ran
    kinds = {kind: count for kind, count in books.outcomes.items() if count}
    assert kinds == {Outcome.MEDIA_TIMEOUT: 1, Outcome.TOO_LONG: 1}
    assert all(call.ended for call in gateway.calls.values())
    store = open_store(d.folder / "data", readonly=True)
    history = {s.contact.phone: s.attempts[-1] for s in (store.lead(1, n) for n in (1, 2))}
    store.close()
    silent, endless = history[int(MUTE)], history[int(TALKER)]
    assert (silent[0].outcome, endless[0].outcome) == (Outcome.MEDIA_TIMEOUT, Outcome.TOO_LONG)
    assert EventKind.MEDIA_LOST in [e.kind for e in silent[1]]
    assert EventKind.MEDIA_LOST not in [e.kind for e in endless[1]]
    report = dialerd("report", "b", "-c", d.config)
    assert re.search(r"media_timeout\W+1\b", report)
    assert re.search(r"too_long\W+1\b", report)


def test_a_bad_call_is_one_line_of_the_log_with_its_reason(ran) -> None:
    _, _, log, gateway, _ = ran
    [call_id] = [call.call_id for call in gateway.calls.values() if call.user == MUTE]
    [line] = [line for line in log.splitlines() if call_id in line or "no audio" in line]
    # a machine that stood still meanwhile says that its own frames were late, too
    assert re.search(r" with 127\.0\.0\.1:\d+: no audio came(, \d+ frames? of ours late)?$", line)
    assert "WARNING" in line


def test_onlookers_of_both_ways_see_the_figures_of_live_calls(ran) -> None:
    _, _, _, gateway, both = ran
    names = {call.user: call.call_id for call in gateway.calls.values()}
    for seen in both:
        for user in (MUTE, TALKER):
            mine = [event for event in seen if event["call_id"] == names[user]]
            assert [event["ended"] for event in mine] == [False] * (len(mine) - 1) + [True]
            assert len(mine) > 1
            sent = [event["sent"] for event in mine]
            assert sent == sorted(sent)
            last = mine[-1]
            assert last["sent"] > 40
            if user == MUTE:
                assert (last["received"], last["mos"]) == (0, 0)
                assert last["trouble"].startswith("no audio came")
            else:
                assert last["received"] > 40
                assert last["mos"] > 1
                assert "no audio" not in last["trouble"]
