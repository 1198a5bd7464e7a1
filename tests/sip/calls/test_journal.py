"""A journaled call: what is told to be kept, and what waits until it is."""

from __future__ import annotations

import random

import msgspec
import pytest

from sip.accounts.auth import Credentials
from sip.calls.journal import Confirmed, Invited, Keep, Place, address, read
from sip.errors import SipError
from sip.events import Accepted, Ended, Provisional, Trying
from sip.transport.local import Local, Reach
from tests.sip.net import ANSWER, THEM, Us, invite, peer_bye, reply, request

CHALLENGE = 'Proxy-Authenticate: Digest realm="r", nonce="n1", qop="auth"\r\n'


def begin(us: Us, **changes):
    """An INVITE that waits; the line to keep."""
    keep = us.endpoint.invite(invite(journaled=True, **changes), us.now_ns)
    assert isinstance(keep, Keep)
    assert keep.waits
    us.pump()
    return keep.line


def go(us: Us, *, kept: bool = True):
    us.endpoint.go_on(1, us.now_ns, kept=kept)
    us.pump()
    return us.take()


def ringing(us: Us):
    begin(us)
    (sent,) = go(us)
    us.receive(reply(sent, 180))
    us.told()
    return sent


def answered(us: Us):
    sent = ringing(us)
    us.receive(reply(sent, 200, body=ANSWER, contact="<sip:c@192.0.2.9:5099>"))
    (keep,) = us.told()
    return sent, keep


def test_nothing_leaves_before_the_invite_is_kept():
    us = Us()
    line = begin(us)
    assert us.run(60_000) == []
    assert us.take() == []
    (sent,) = go(us)
    assert sent.method == "INVITE"
    kept = read(line)
    assert kept == Invited(Place(*THEM[:2], "udp", 0), kept.head, heard=False)
    assert sent.data.startswith(kept.head)
    assert kept.head.endswith(b"CSeq: 1 INVITE\r\n")


def test_one_that_is_not_journaled_leaves_at_once():
    us = Us()
    assert us.endpoint.invite(invite(), us.now_ns) is None
    us.pump()
    assert [m.method for m in us.take()] == ["INVITE"]
    us.endpoint.go_on(1, us.now_ns)  # nobody asked
    assert us.pump() == []


def test_an_invite_that_cannot_be_kept_never_leaves():
    us = Us()
    begin(us)
    assert go(us, kept=False) == []
    ended = us.told()[0]
    assert isinstance(ended, Ended)
    assert (ended.by, ended.code, ended.phrase) == ("us", 0, "given up before it left")
    assert us.empty()


def test_hanging_up_before_it_left_is_its_end():
    us = Us()
    begin(us)
    us.release()
    assert us.take() == []
    assert [type(event) for event in us.told()] == [Ended]
    assert go(us) == []
    assert us.empty()


@pytest.mark.parametrize("code", [100, 180, 183])
def test_the_first_sign_of_the_far_end_is_told_once_and_waits_for_nothing(code):
    us = Us()
    line = begin(us)
    (sent,) = go(us)
    us.receive(reply(sent, code))
    keep, told = us.told()
    assert keep == Keep(1, keep.line, waits=False)
    assert isinstance(told, Trying if code == 100 else Provisional)
    before, now = read(line), read(keep.line)
    assert now == Invited(before.place, before.head, heard=True)
    us.receive(reply(sent, 180))
    us.receive(reply(sent, 183))
    assert all(isinstance(event, Provisional) for event in us.told())


def test_the_ack_waits_and_repeated_answers_are_absorbed():
    us = Us()
    sent, keep = answered(us)
    assert isinstance(keep, Keep)
    assert keep.waits
    us.receive(reply(sent, 200, body=ANSWER))
    us.run(3_000)
    assert us.take() == []
    assert us.told() == []
    (ack,) = go(us)
    assert ack.method == "ACK"
    assert ack.cseq == 1
    assert us.told() == [Accepted(1, ANSWER)]
    kept = read(keep.line)
    assert kept == Confirmed(
        Place("192.0.2.9", 5099, "udp", 0), sent.branch, sent.call_id, sent.from_value,
        ack.to_value, b"them", 1, b"sip:c@192.0.2.9:5099", (),
    )  # fmt: skip


def test_the_repeated_answer_after_it_gets_the_same_ack():
    us = Us()
    sent, _ = answered(us)
    (ack,) = go(us)
    us.receive(reply(sent, 200, body=ANSWER))
    (again,) = us.take()
    assert again.data == ack.data


def test_an_answer_that_cannot_be_kept_is_acknowledged_and_hung_up():
    us = Us()
    _, _ = answered(us)
    ack, bye = go(us, kept=False)
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert us.told() == []
    us.receive(reply(bye, 200))
    (ended,) = us.told()
    assert (ended.by, ended.code, ended.answered) == ("us", 200, False)


def test_hanging_up_while_the_ack_waits_needs_no_journal():
    us = Us()
    _, _ = answered(us)
    us.release()
    assert [m.method for m in us.take()] == ["ACK", "BYE"]
    assert go(us) == []


def test_a_bye_while_the_ack_waits_ends_it():
    us = Us()
    sent, _ = answered(us)
    us.receive(peer_bye(us, sent))
    assert [m.method or m.status for m in us.take()][-1] == "ACK"
    assert us.told() == [Accepted(1, ANSWER), Ended(1, 200, "Some Phrase", 0, "them", True)]
    assert go(us) == []


def test_a_journal_that_never_answers_hangs_up():
    us = Us()
    answered(us)
    said = [m.method for _, m in us.run(40_000)]
    assert said[:2] == ["ACK", "BYE"]


def test_an_invite_with_credentials_waits_for_its_own_line():
    us = Us()
    begin(us, credentials=Credentials("u", "p"))
    (first,) = go(us)
    us.receive(reply(first, 407, extra=CHALLENGE))
    assert [m.method for m in us.take()] == ["ACK"]
    (keep,) = us.told()
    assert keep.waits
    (second,) = go(us)
    assert b"Proxy-Authorization" in second.data
    assert (second.cseq, second.branch != first.branch) == (2, True)
    assert second.data.startswith(read(keep.line).head)


def test_an_answer_of_a_former_target_is_not_taken_for_the_one_that_waits():
    us = Us()
    other = ("192.0.2.3", 5060, 0)
    begin(us, targets=(THEM, other))
    (first,) = go(us)
    us.run(33_000)  # timer B: on to the next one, which waits
    us.take()
    keep = us.told()[-1]
    assert isinstance(keep, Keep)
    us.receive(reply(first, 200, body=ANSWER))
    assert [m.method for m in us.take()] == ["ACK", "BYE"]
    (second,) = go(us)
    assert second.cseq == 2
    assert read(keep.line).place.host == "192.0.2.3"


@pytest.mark.parametrize(
    ("records", "request_uri"),
    [
        (("<sip:p1@192.0.2.7;lr>", "<sip:p2@192.0.2.8;lr>"), b"sip:c@192.0.2.9:5099"),
        (("<sip:p1@192.0.2.7;lr>", "<sip:strict@192.0.2.8>"), b"sip:strict@192.0.2.8"),
    ],
)
def test_the_line_holds_route_set_and_target_as_they_were_learned(records, request_uri):
    us = Us()
    sent = ringing(us)
    lines = "".join(f"Record-Route: {one}\r\n" for one in records)
    us.receive(reply(sent, 200, body=ANSWER, contact="<sip:c@192.0.2.9:5099>", extra=lines))
    kept = read(us.told()[0].line)
    assert kept.routes == tuple(one.encode() for one in reversed(records))
    assert kept.target == b"sip:c@192.0.2.9:5099"
    assert kept.place.host == "192.0.2.8"
    (ack,) = go(us)
    assert ack.uri == request_uri


def peer_request(sent, method: str, cseq: int, **fields) -> bytes:
    """A request of the called side in the call that an INVITE made."""
    return request(
        method,
        branch=f"z9hG4bK-{method}-{cseq}",
        call_id=sent.call_id.decode(),
        from_tag="them",
        to=f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}",
        cseq=cseq,
        **fields,
    )


def talking(us: Us):
    """A journaled call that is up: its INVITE, and the line of its dialog."""
    sent, keep = answered(us)
    go(us)
    us.told()
    return sent, read(keep.line)


def lines(us: Us):
    return [(read(one.line), one.waits) for one in us.told() if isinstance(one, Keep)]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_new_target_of_the_peer_is_kept_and_nobody_waits_for_it(method):
    us = Us()
    sent, before = talking(us)
    body = ANSWER if method == "INVITE" else b""
    where = "<sip:c@192.0.2.77:5070>"
    us.receive(peer_request(sent, method, 1, contact=where, body=body))
    assert 200 in [one.status for one in us.take()]
    ((line, waits),) = lines(us)
    assert not waits
    assert line == msgspec.structs.replace(
        before, target=b"sip:c@192.0.2.77:5070", place=Place("192.0.2.77", 5070, "udp", 0)
    )
    us.receive(peer_request(sent, "UPDATE", 2, contact=where))
    assert lines(us) == [], "the same one is not written again"
    us.release()
    bye = us.take()[-1]
    assert (bye.method, bye.uri) == ("BYE", line.target)


@pytest.mark.parametrize("update", [False, True])
def test_so_is_one_that_answers_a_request_of_ours(update):
    us = Us()
    _, before = talking(us)
    us.endpoint.modify(1, ANSWER, us.now_ns, update=update)
    us.pump()
    (asked,) = us.take()
    assert asked.method == ("UPDATE" if update else "INVITE")
    us.receive(reply(asked, 200, body=ANSWER, contact="<sip:d@192.0.2.78>"))
    ((line, waits),) = lines(us)
    assert not waits
    assert (line.target, line.place.host) == (b"sip:d@192.0.2.78", "192.0.2.78")
    assert line.cseq == before.cseq == 1, "of the INVITE: that of its ACK"


def test_with_a_route_set_the_way_stays_and_the_target_is_another():
    us = Us()
    sent = ringing(us)
    route = "Record-Route: <sip:p1@192.0.2.7;lr>\r\n"
    us.receive(reply(sent, 200, body=ANSWER, contact="<sip:c@192.0.2.9:5099>", extra=route))
    us.told()
    go(us)
    us.receive(peer_request(sent, "UPDATE", 1, contact="<sip:new@192.0.2.90>"))
    ((line, _),) = lines(us)
    assert (line.place.host, line.routes) == ("192.0.2.7", (b"<sip:p1@192.0.2.7;lr>",))
    assert line.target == b"sip:new@192.0.2.90"


def test_a_target_that_is_refused_or_comes_when_it_is_over_is_not_kept():
    us = Us()
    sent, _ = talking(us)
    us.receive(peer_request(sent, "INVITE", 1, contact="<sip:x@192.0.2.91>", body=b"no sdp"))
    assert us.take()[-1].status >= 400
    assert lines(us) == []
    us.release()
    us.take()
    us.receive(peer_request(sent, "UPDATE", 2, contact="<sip:x@192.0.2.91>"))
    assert lines(us) == []
    plain = Us()
    sent = plain.invite()
    plain.receive(reply(sent, 200, body=ANSWER, contact="<sip:c@192.0.2.9:5099>"))
    plain.receive(peer_request(sent, "UPDATE", 1, contact="<sip:x@192.0.2.91>"))
    assert lines(plain) == [], "who keeps no journal is told nothing"


def test_without_an_offer_nothing_can_be_journaled():
    us = Us()
    with pytest.raises(SipError, match="offer"):
        us.endpoint.invite(invite(journaled=True, sdp=b""), us.now_ns)


def test_a_line_that_is_none_is_refused():
    for data in (b"", b"\x00", b"\x93\xa1x\x01\x02", b"\xff" * 40):
        with pytest.raises(SipError, match="not a line"):
            read(data)


def test_a_place_means_the_same_transport_in_another_order():
    reach = Reach([Local("192.0.2.1", 5061, "tls"), Local("192.0.2.1", 5060, "udp")])
    assert address(Place("192.0.2.2", 5060, "udp", 0), reach) == ("192.0.2.2", 5060, 1)
    assert address(Place("192.0.2.2", 5060, "udp", 1), reach) == ("192.0.2.2", 5060, 1)
    assert address(Place("192.0.2.2", 5061, "tls", 9), reach) == ("192.0.2.2", 5061, 0)
    with pytest.raises(SipError, match="speaks tcp"):
        address(Place("192.0.2.2", 5060, "tcp", 0), reach)
    with pytest.raises(SipError, match="speaks udp"):
        address(Place("2001:db8::1", 5060, "udp", 1), reach)


@pytest.mark.parametrize("seed", range(40))
def test_any_order_of_events_ends_with_one_ended_and_nothing_left(seed):
    """Answers, refusals, hanging up and the journal in any order, some of it never."""
    rng = random.Random(seed)
    us = Us()
    begin(us)
    sent = None
    for _ in range(12):
        step = rng.randrange(6)
        if step == 0:
            us.endpoint.go_on(1, us.now_ns, kept=rng.random() < 0.8)
        elif step == 1 and sent is not None:
            us.endpoint.receive(reply(sent, rng.choice([100, 180, 183])), THEM, us.now_ns)
        elif step == 2 and sent is not None:
            tag = rng.choice(["them", "others"])
            us.endpoint.receive(reply(sent, 200, tag=tag, body=ANSWER), THEM, us.now_ns)
        elif step == 3 and sent is not None:
            us.endpoint.receive(reply(sent, rng.choice([486, 503])), THEM, us.now_ns)
        elif step == 4 and rng.random() < 0.3:
            us.endpoint.release(1, us.now_ns)
        else:
            us.run(rng.choice([10, 600, 5_000]))
        us.pump()
        for message in us.take():
            if message.method == "INVITE":
                sent = sent or message
    us.endpoint.release(1, us.now_ns)
    us.pump()
    us.run(800_000)
    ends = sum(isinstance(event, Ended) for event in us.told())
    assert ends == 1
    assert us.empty()
