"""A supervisor at running calls, told by the tones that real telephones hear."""

from __future__ import annotations

import contextlib
import json

import pytest

from admin_http.tokens import Scope
from dialerd.cli.common import who
from dialerd.core.agents_view import AsAgent, LogIn, Ready
from tests.command_line import dialerd
from tests.daemon.softphone import register
from tests.daemon.test_agents import PHONES, USER
from tests.daemon.test_calls_http import LONG, begin, until_up
from tests.daemon.test_daemon import people
from tests.daemon.web import make_token, web
from tests.interop.singing import Singer, singer
from tests.interop.tones import found
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.interop

CUSTOMER, AGENT, BOSS = 440, 700, 1_000
BLOCK, BLOCKS = 800, 10  # 100 ms, a second of them


def hear(*phones: Singer) -> list[set[int]]:
    """Whose tones each hears: in nine of ten blocks of a second, or in hardly one; else none."""
    begun = [len(phone.heard()) + 2_000 for phone in phones]

    def ready() -> bool:
        ends = (at + BLOCK * BLOCKS for at in begun)
        return all(len(phone.heard()) > end for phone, end in zip(phones, ends, strict=True))

    until(ready, 60.0, 0.1)
    sets = []
    for phone, at in zip(phones, begun, strict=True):
        audio = phone.heard()
        heard = [
            found(audio[at + n * BLOCK : at + (n + 1) * BLOCK], (CUSTOMER, AGENT, BOSS), 2_000)
            for n in range(BLOCKS)
        ]
        counts = {tone: sum(tone in one for one in heard) for tone in (CUSTOMER, AGENT, BOSS)}
        unsure = [n for n in counts.values() if BLOCKS - 1 > n > 1]
        sets.append(set() if unsure else {tone for tone, n in counts.items() if n > 1})
    return sets


def hears(expected: list[set[int]], *phones: Singer) -> None:
    """So it is in one of some seconds: a busy machine makes packets late."""
    got: list[list[set[int]]] = []
    while expected not in got:
        assert len(got) < 8, got
        got.append(hear(*phones))


@pytest.fixture
def office(daemon, tmp_path):
    """A daemon; a customer who answers, an agent's telephone 1001 and a supervisor's 1002."""
    with contextlib.ExitStack() as ends:

        def phone(hertz: int, user: str, port: int = 0, codec: str = "pcmu") -> Singer:
            one = singer(tmp_path, hertz, codec=codec, seconds=120, user=user, port=port)
            return ends.enter_context(one)

        sip, ports = free_port(), (free_port(), free_port())
        customer = phone(CUSTOMER, "+84912000000", codec="pcma")
        more = PHONES.format(port=sip) + USER.format(name="1001") + USER.format(name="1002")
        d = daemon(gateway=customer.port, more=more, admin=True)
        people(d.folder, 1)
        reader = make_token(d.folder / "data", Scope.READ, name="reader")
        w = ends.enter_context(web(d))
        for name, port in zip(("1001", "1002"), ports, strict=True):
            register(name, "secret", sip, port)
        agent, boss = phone(AGENT, "1001", ports[0]), phone(BOSS, "1002", ports[1])
        yield d, w, reader, customer, agent, boss


def act(w, where, action, **more):
    return w.good("POST", f"{where}/actions", {"action": action, **more}).data["supervisors"]


def until_there(w):
    """The supervisor's telephone is answered."""

    def there():
        return [s["ringing"] for s in w.get("/v1/calls")["items"][0]["supervisors"]] == [False]

    until(there, 60.0, 0.05)


def end(w, where):
    w.good("POST", f"{where}/actions", {"action": "hang_up"})
    until(lambda: w.get("/v1/calls")["items"] == [], 60.0, 0.05)


def test_a_supervisor_listens_whispers_barges_and_leaves(office):
    d, w, reader, customer, agent, boss = office
    cap = {"calls_max": 9, "window_s": 86_400}
    begin(w, steps=LONG, name="b", cap=cap)
    broadcast(w, customer, boss)
    with d.ready() as client:
        begin(w, steps=[], mode="progressive", agents={"wrap_up_s": 0}, record=True, cap=cap)
        login = LogIn(phone="1001", campaigns=("c",), nailed_up=True)
        for deed in (login, Ready()):
            client.call(AsAgent(agent="an", act=deed))
    until(lambda: [c["agent"] for c in w.get("/v1/calls")["items"]] == ["an"], 60.0, 0.05)
    (call,) = w.get("/v1/calls")["items"]
    where = f"/v1/calls/{call['id']}"
    order = {"action": "listen", "phone": "1002"}
    assert w.ask("POST", f"{where}/actions", order, token=reader).status == 403
    assert w.ask("POST", "/v1/calls/1-1-999/actions", order).status == 404
    refused = w.ask("POST", f"{where}/actions", {"action": "listen", "phone": "1003"})
    assert (refused.status, "no telephone is registered" in refused.data["detail"]) == (409, True)
    hears([{AGENT}, {CUSTOMER}], customer, agent)
    modes(d, w, where, customer, agent, boss)
    told = w.get(f"{where}/events")["items"]
    lines = [e["detail"].split()[0] for e in told if e["kind"] == "supervised"]
    assert lines == ["listen", "whisper", "barge", "listen"]
    assert [e["detail"] for e in told if e["kind"] == "unsupervised"] == [who()]
    messages = w.get(f"{where}/ladder?format=json")["messages"]
    assert [m["what"] for m in messages].count("INVITE") == 1, "the customer was not asked anew"
    entries = w.get("/v1/audit?limit=20")["items"]
    assert {"listen", "whisper", "barge", "leave"} <= {entry["detail"] for entry in entries}
    end(w, where)


def modes(d, w, where, customer, agent, boss):
    """One after the other, by commands: who hears whom."""

    def act(mode, *more):
        words = ("calls", mode, where.rpartition("-")[2], *more, "-c", d.config, "--json")
        return json.loads(dialerd(*words))["supervisors"]

    (one,) = act("listen", "--phone", "1002")
    assert (one["mode"], one["ringing"], one["phone"]) == ("listen", True, "1002")
    until_there(w)
    both = {CUSTOMER, AGENT}
    hears([{AGENT}, {CUSTOMER}, both], customer, agent, boss)
    act("whisper")
    hears([{AGENT}, {CUSTOMER, BOSS}, both], customer, agent, boss)
    act("barge")
    hears([{AGENT, BOSS}, {CUSTOMER, BOSS}, both], customer, agent, boss)
    act("listen")
    hears([{AGENT}, {CUSTOMER}, both], customer, agent, boss)
    assert act("leave") == []
    hears([{AGENT}, {CUSTOMER}], customer, agent)


def broadcast(w, customer, boss):
    """A call without an agent, by HTTP."""
    (call,) = until_up(w, 1)
    where = f"/v1/calls/{call['id']}"
    refused = w.ask("POST", f"{where}/actions", {"action": "whisper", "phone": "1002"})
    assert (refused.status, "no agent" in refused.data["detail"]) == (409, True)
    act(w, where, "barge", phone="1002")
    until_there(w)

    def said():
        return "prompt_ended" in [e["kind"] for e in w.get(f"{where}/events")["items"]]

    until(said, 60.0, 0.05)  # a voice has all tones in it
    hears([{BOSS}, {CUSTOMER}], customer, boss)
    assert [one["mode"] for one in act(w, where, "listen")] == ["listen"]
    assert act(w, where, "leave") == []
    end(w, where)
