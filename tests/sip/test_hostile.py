"""Whatever a peer sends.

Nothing escapes `receive`, nothing grows without bound, everything ends.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.sipscan import ScanError, scan
from sip.events import Accepted, Ended, Established, Incoming, SipEvent
from tests.sip.messages.test_sipscan import PIECES, datagrams
from tests.sip.messages.test_torture import FOLDER
from tests.sip.net import ANSWER, THEM, US, Us, invite, reply, request
from tests.sip.samples import PROBLEM, REFUSED, VALID, message

EXPECTED_ON_THE_WIRE = {  # RFC 4475 sections 3.1.2 to 3.4: what a user agent like ours answers
    "badvers": 505,
    "badbranch": 200,
    "insuf": 0,
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": 405,
    "bext01": 420,
    "invut": 415,
    "regaut01": 405,
    "multi01": 400,
    "mcl01": 400,
    "bcast": 0,
    "zeromf": 200,
    "cparam01": 405,
    "cparam02": 405,
    "regescrt": 405,
    "sdp01": 406,
    "inv2543": 0,
}


@settings(max_examples=500, deadline=None)
@given(st.lists(datagrams(), max_size=6))
def test_datagrams_of_all_sorts(packets: list[bytes]):
    us = Us()
    us.invite()
    for data in packets:
        us.receive(data)
    us.release()
    for event in us.told():
        if isinstance(event, Incoming):
            us.release(event.leg)
    us.run(500_000)
    assert us.empty()


def mutated(dice: random.Random, data: bytes) -> bytes:
    if dice.random() < 0.6:
        return data
    at = dice.randrange(len(data))
    piece = dice.choice([dice.choice(PIECES), dice.randbytes(2), b""])
    return data[:at] + piece + data[at + dice.choice([0, 1, 4, 30]) :]


def hostile_reply(dice: random.Random, sent: object) -> bytes:
    code = dice.choice([100, 180, 183, 200, 200, 202, 302, 401, 407, 486, 487, 500, 603, 699])
    extra = dice.choice(
        [
            "",
            "Reason: Q.850;cause=17\r\n",
            'WWW-Authenticate: Digest realm="r", nonce="=", stale=true\r\n',
            "Record-Route: <sip:192.0.2.8;lr>\r\n" * dice.choice([1, 20]),
            "Retry-After: 4\r\n",
        ]
    )
    contact = dice.choice(["", "<sip:a@192.0.2.3>", "<tel:+1>", "<sip:h.example:99>;q=1"])
    tag = dice.choice(["a", "a", "b", f"t{dice.randrange(20)}"])
    body = dice.choice([b"", ANSWER, b"nonsense"])
    return reply(sent, code, tag=tag, body=body, extra=extra, contact=contact)


def hostile_request(dice: random.Random, tags: list[str]) -> bytes:
    method = dice.choice(
        ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "XX"]
    )
    to = "<sip:1900@192.0.2.1>" + (
        f";tag={dice.choice(tags)}" if tags and dice.random() < 0.7 else ""
    )
    return request(
        method,
        to=to,
        cseq=dice.choice([1, 2, 3, dice.randrange(2**31)]),
        from_tag=dice.choice(["a", "b", "ft1"]),
        call_id=dice.choice(["call-1@192.0.2.1", "theirs@192.0.2.2", f"c{dice.randrange(5)}"]),
        branch=dice.choice(["z9hG4bKx", "1", f"z9hG4bK{dice.randrange(10)}"]),
        body=dice.choice([b"", ANSWER, b"Signal=1\r\n"]),
        kind=dice.choice(["application/sdp", "application/dtmf-relay", "text/x"]),
    )


def called(dice: random.Random, us: Us, leg: int) -> None:
    """The called side does something."""
    roll = dice.randrange(3)
    if roll == 0:
        us.endpoint.ring(leg, us.now_ns)
    elif roll == 1:
        us.endpoint.accept(leg, ANSWER, us.now_ns)
    else:
        us.endpoint.reject(leg, 486, us.now_ns)


@pytest.mark.parametrize("seed", range(60))
def test_conversations_with_a_hostile_peer(seed: int):  # noqa: C901 - one roll of the dice each
    dice = random.Random(seed)
    us = Us(seed=seed)
    ends: dict[int, int] = {}
    begun: set[int] = set()
    tags: list[str] = []
    requests: list[object] = []

    def hear(events: list[SipEvent]) -> None:
        for event in events:
            assert event.leg not in ends, "an event after the end"
            if isinstance(event, Incoming):
                begun.add(event.leg)
            elif isinstance(event, Ended):
                ends[event.leg] = event.code

    for leg in range(1, 200):
        roll = dice.random()
        if roll < 0.15:
            begun.add(leg)
            us.endpoint.invite(invite(leg, call_id=f"call-{leg % 3}@192.0.2.1"), us.now_ns)
        elif roll < 0.25 and begun:
            us.endpoint.release(dice.choice(sorted(begun)), us.now_ns)
        elif roll < 0.35 and begun:
            one = dice.choice(sorted(begun))
            called(dice, us, one)
        elif roll < 0.65 and requests:
            us.receive(mutated(dice, hostile_reply(dice, dice.choice(requests))))
        elif roll < 0.95:
            us.receive(mutated(dice, hostile_request(dice, tags)))
        else:
            us.run(dice.choice([10, 600, 40_000]))
        us.pump()
        for sent in us.take():
            if sent.is_request:
                requests.append(sent)
                tags.append(sent.from_tag.decode())
            elif sent.to_tag:
                tags.append(sent.to_tag.decode())
        del requests[:-30], tags[:-30]
        hear(us.told())
        assert us.sizes()["legs"] == us.endpoint.tags == len(begun) - len(ends)
    for leg in begun:
        us.endpoint.release(leg, us.now_ns)
    us.pump()
    us.run(700_000)
    hear(us.told())
    assert ends.keys() == begun
    assert us.empty()


def wire_answer(data: bytes) -> int:
    us = Us()
    us.receive(data)
    finals = [m.status for m in us.take() if m.status >= 200]
    assert len(finals) <= 1
    us.run(400_000)
    assert us.empty()
    return finals[0] if finals else 0


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_request_is_answered_400_and_a_broken_response_not_at_all(name: str):
    data = REFUSED[name]
    try:
        scan(data)
    except ScanError as error:
        partial = error.message
    status = wire_answer(data)
    answerable = partial is not None and partial.answerable
    assert status == (400 if answerable else 0)
    assert (
        answerable
        or data.startswith(b"SIP/")
        or name
        in {
            "nothing",
            "text",
            "no version",
            "lone lf",
            "header without name",
            "257 lines",
            "a line of 9 KB",
            "a datagram of 65 KB",
            "folded start line",
            "no end of the head",
            "lone cr in a value",
            "lone lf in a value",
            "lone lf and a fold",
        }
    )


@pytest.mark.parametrize("name", PROBLEM)
def test_a_request_with_a_problem_is_400_when_it_can_be_answered(name: str):
    assert wire_answer(PROBLEM[name]) == (400 if name.startswith("two") else 0)


def test_requests_of_all_valid_kinds_get_one_answer_at_most():
    for data in VALID.values():
        assert wire_answer(data) in {0, 200, 405, 415, 416, 481}


def test_torture_messages_on_the_wire():
    wrong = {}
    for path in sorted(FOLDER.glob("rfc4475/*.dat")):
        rows = (path.parent / "expected.tsv").read_text().splitlines()[1:]
        kind = next(r.split("\t")[2] for r in rows if r.startswith(path.name))
        data = path.read_bytes()
        got = wire_answer(data)
        if kind == "refuse" and path.stem != "badvers":
            expected = 0 if data.startswith(b"SIP/") else 400
        elif kind == "accept":
            continue
        else:
            expected = EXPECTED_ON_THE_WIRE[path.stem]
        if got != expected:
            wrong[path.stem] = (got, expected)
    assert not wrong


def test_keepalives_and_noise_are_counted():
    us = Us()
    for data in (b"\r\n\r\n", b"\0", b"", b"\r\n", b"\0\0\0\0"):
        us.receive(data)
    us.receive(b"GET / HTTP/1.1\r\n\r\n")
    counts = us.endpoint.statistics()
    assert (counts["received"], counts["keepalives"], counts["malformed"]) == (6, 5, 1)
    assert us.sent == []


def test_a_flood_of_new_invites_meets_the_limit_of_legs():
    us = Us()
    us.endpoint._legs_max = 100
    for n in range(300):
        data = request("INVITE", body=ANSWER, branch=f"z9hG4bK{n}", call_id=f"c{n}")
        us.receive(data)
    assert us.sizes()["legs"] == 100
    assert us.sizes()["server_invites"] == 100
    assert us.endpoint.statistics()["overload"] == 200


def test_requests_outside_dialogs_leave_nothing():
    us = Us()
    for n in range(500):
        for method in ("OPTIONS", "BYE", "MESSAGE", "CANCEL"):
            us.receive(request(method, branch=f"z9hG4bK{n}", call_id=f"c{n}"))
    assert us.empty()


def test_a_bye_at_any_moment_leaves_no_call():
    for steps in range(6):
        us = Us()
        sent = us.invite()
        for code in (100, 180, 183, 200)[: min(steps, 4)]:
            us.receive(reply(sent, code, body=ANSWER))
        if steps == 5:
            us.release()
        to = f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}"
        us.receive(request("BYE", call_id="call-1@192.0.2.1", from_tag="them", to=to))
        us.run(400_000)
        ends = [e for e in us.told() if isinstance(e, Ended)]
        assert len(ends) == 1, steps
        assert us.empty(), steps


def test_events_are_of_known_kinds():
    assert Accepted(1, b"") != Established(1)
    assert message()
    assert (US, THEM) == (("192.0.2.1", 5060, 0), ("192.0.2.2", 5060, 0))
