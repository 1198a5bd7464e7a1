"""Calls over HTTP: in progress, ended by a person, over; their recordings and messages."""

from __future__ import annotations

import struct

import pytest

from dialerd.core.control import CampaignAction
from tests.daemon.gateway import Gateway
from tests.daemon.test_daemon import people
from tests.daemon.web import web
from tests.waiting import until

LONG = [  # one step that waits for a key for a minute
    {"prompt": "en/thanks", "keys": {"1": "end"}, "wait_ms": 60_000},
]


def begin(w, steps=LONG, name="c", **more):
    """A campaign that runs; its document."""
    spec = {"name": name, "list": "people", "regime": "loopback", "steps": steps, **more}
    made = w.good("POST", "/v1/campaigns", spec).data
    for action in (CampaignAction.APPROVE, CampaignAction.START):
        w.good("POST", f"/v1/campaigns/{made['id']}/actions", {"action": action})
    return made


def until_up(w, n):
    """The calls in progress, when so many are answered."""
    until(lambda: sum(c["state"] == "up" for c in w.get("/v1/calls")["items"]) == n, 60.0, 0.02)
    return w.get("/v1/calls")["items"]


@pytest.fixture
def gateway():
    with Gateway(talks=lambda _: True) as made:
        yield made


def test_a_call_is_seen_and_ended_and_heard(daemon, gateway):
    d = daemon(gateway=gateway.port, admin=True)
    people(d.folder, 2)
    with web(d) as w:
        begin(w, record=True)
        first, second = until_up(w, 2)
        assert first["number"] == "+84912000000"
        names_that_are_not_there(w, first)
        where = f"/v1/calls/{first['id']}"
        now = w.get(where)
        assert (now["state"], now["trunk"], now["outcome"]) == ("up", "gateway", None)
        assert "answered" in [e["kind"] for e in now["interactions"]]
        assert [e["kind"] for e in w.get(f"{where}/events")["items"]][:2] == ["dialed", "ringing"]
        assert w.ask("GET", f"{where}/recording").status == 404  # it is not over
        order = {"action": "transfer", "kind": "agent", "target": "lan"}
        refused = w.ask("POST", f"{where}/actions", order)
        assert (refused.status, "transfer" in refused.data["detail"]) == (409, True)
        assert w.ask("POST", f"{where}/actions", {"action": "transfer"}).status == 422
        ended = w.good("POST", f"{where}/actions", {"action": "hang_up"}).data
        assert ended["state"] == "releasing"
        until(lambda: w.get(where)["state"] == "ended", 60.0, 0.02)
        assert [c["id"] for c in w.get("/v1/calls")["items"]] == [second["id"]]
        until(lambda: w.get(where)["recordings"] == 1, 60.0, 0.02)  # its name comes last
        assert w.ask("POST", f"{where}/actions", {"action": "hang_up"}).status == 404
        done = w.get(where)
        assert (done["outcome"], done["released_by"], done["recordings"]) == ("answered", "us", 1)
        assert done["interactions"][-1]["kind"] == "released"
        hear(w, f"{where}/recording")
        read_messages(w, where)
        (listed,) = w.get("/v1/attempts")["items"]
        assert (listed["call"], listed["outcome"]) == (first["id"], "answered")
        assert len(w.get("/v1/attempts?campaign=c")["items"]) == 2
        page = w.get("/v1/attempts?campaign=c&limit=1")
        rest = w.get(f"/v1/attempts?campaign=c&limit=1&after={page['next']}")["items"]
        assert [one["call"] for one in rest] == [second["id"]]
        w.good("POST", "/v1/emergency-stop", {"hang_up": True})
        until(lambda: not w.get("/v1/calls")["items"], 60.0, 0.02)
    assert [call.ended for call in gateway.calls.values()] == [True, True]
    assert d.stop()[0] == 0


def hear(w, where):
    """Whole, by parts, on conditions."""
    whole = w.good("GET", where)
    assert (whole.status, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.body[:4] == b"RIFF"
    size, tag = len(whole.body), whole.headers["etag"]
    for asked, first, stop in (
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, size),
        ("bytes=-50", size - 50, size),
        (f"bytes=10-{size + 5}", 10, size),
    ):
        part = w.good("GET", where, Range=asked)
        assert part.status == 206
        assert part.headers["content-range"] == f"bytes {first}-{stop - 1}/{size}"
        assert part.body == whole.body[first:stop]
    for asked in ("bytes=5-2", "bytes=0-1,5-6", "seconds=0-1", "bytes=-"):
        assert w.good("GET", where, Range=asked).body == whole.body
    for asked in (f"bytes={size}-", "bytes=-0"):
        behind = w.ask("GET", where, Range=asked)
        assert (behind.status, behind.headers["content-range"]) == (416, f"bytes */{size}")
        assert behind.headers["content-type"] == "application/problem+json"
    for same in (tag, whole.headers["last-modified"]):
        assert w.good("GET", where, Range="bytes=0-1", If_Range=same).status == 206
    assert w.good("GET", where, Range="bytes=0-1", If_Range='"other"').status == 200
    assert w.ask("GET", where, If_None_Match=tag).status == 304
    head = w.good("HEAD", where)
    assert (head.body, head.headers["content-length"]) == (b"", str(size))
    assert w.ask("GET", f"{where}?part=2").status == 404


def read_messages(w, where):
    """The ladder in both forms, and the capture."""
    text = w.good("GET", f"{where}/ladder").body.decode()
    assert "INVITE" in text
    assert "200 OK" in text
    data = w.get(f"{where}/ladder?format=json")
    said = [m["what"] for m in data["messages"]]
    assert said[0] == "INVITE"
    assert "BYE" in said
    assert data["messages"][0]["text"].startswith("INVITE sip:")
    assert "Call-ID:" in w.good("GET", f"{where}/ladder?full=true").body.decode()
    capture = w.good("GET", f"{where}/pcap")
    assert struct.unpack("<I", capture.body[:4])[0] == 0xA1B23C4D
    assert b"INVITE sip:" in capture.body


def names_that_are_not_there(w, one):
    """Of other campaigns, people and tries than this call's, and no names at all."""
    campaign, lead, attempt = one["id"].split("-")
    for name, status in (
        (f"{campaign}-{lead}-{int(attempt) + 100}", 404),
        (f"9999999999-{lead}-{attempt}", 404),
        (f"{campaign}-{lead}-9999999999999999999", 404),
        (f"7-{lead}-{attempt}", 404),
        ("..%2f..%2fetc", 400),
        ("1-1", 400),
    ):
        for path in ("", "/events", "/recording", "/ladder", "/pcap"):
            assert w.ask("GET", f"/v1/calls/{name}{path}").status == status, (name, path)
        order = {"action": "hang_up"}
        assert w.ask("POST", f"/v1/calls/{name}/actions", order).status == status
    assert {c["state"] for c in w.get("/v1/calls")["items"]} == {"up"}
    assert w.ask("GET", "/v1/calls?campaign=nobody").status == 404
    assert w.get("/v1/calls?campaign=c")["items"] == w.get("/v1/calls")["items"]


def test_a_person_puts_calls_through(daemon, gateway):
    """One to an agent who is not there, then one to a number, which the gateway carries too."""
    transfer = {"id": "to", "transfer": {"number": "0987654321"}}
    d = daemon(gateway=gateway.port, admin=True)
    people(d.folder, 2)
    with web(d) as w:
        begin(w, [LONG[0] | {"keys": {"1": "to"}}, transfer])
        first, second = (f"/v1/calls/{one['id']}" for one in until_up(w, 2))

        def happened(where):
            return [e["kind"] for e in w.get(where)["interactions"]]

        order = {"action": "transfer", "kind": "agent", "target": "nobody"}
        w.good("POST", f"{first}/actions", order)
        until(lambda: "transfer_failed" in happened(first))
        until(lambda: w.get(first)["state"] == "ended", 60.0, 0.02)  # nothing is behind its step
        order = {"action": "transfer", "kind": "number", "target": "0987 654 321"}
        w.good("POST", f"{second}/actions", order)
        until(lambda: "transferred" in happened(second))
        assert {c["direction"] for c in until_up(w, 2)} == {"out", "over"}
        assert w.ask("POST", f"{second}/actions", order).status == 409
        w.good("POST", f"{second}/actions", {"action": "hang_up"})
        until(lambda: not w.get("/v1/calls")["items"], 60.0, 0.02)
    assert sorted(call.user for call in gateway.calls.values())[-1].endswith("987654321")
    assert d.stop()[0] == 0
