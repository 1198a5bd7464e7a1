"""We change the session: re-INVITE and UPDATE, glare, challenges, failures (3261 14.1, 3311)."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message
from sip import sdp
from sip.accounts.auth import Credentials
from sip.errors import SipError
from sip.events import Ended, Established, Modified, ModifyFailed, Renegotiated
from sip.limits import GLARES_MAX
from tests.sip.callee import SDP, inside, up
from tests.sip.net import ANSWER, OFFER, Us, answered, peer_bye, reply, request

HOLD = OFFER.replace(b"a=sendrecv", b"a=sendonly")
HELD = ANSWER.replace(b"a=sendrecv", b"a=recvonly")
CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'


def modify(us: Us, body: bytes = HOLD, leg: int = 1, *, update: bool = False) -> list[Message]:
    us.endpoint.modify(leg, body, us.now_ns, update=update)
    us.pump()
    return us.take()


def test_hold_by_reinvite():
    us = Us()
    sent = answered(us)
    [ask] = modify(us)
    assert (ask.method, ask.body, ask.cseq) == ("INVITE", HOLD, sent.cseq + 1)
    assert (ask.to_tag, ask.call_id, ask.from_tag) == (b"them", sent.call_id, sent.from_tag)
    assert ask.branch != sent.branch
    assert ask.contact_uri == sent.contact_uri
    us.receive(reply(ask, 100))
    us.receive(reply(ask, 200, body=HELD))
    [ack] = us.take()
    assert (ack.method, ack.cseq, ack.body) == ("ACK", ask.cseq, b"")
    assert ack.branch != ask.branch
    assert us.told() == [Modified(1, HELD)]
    us.receive(reply(ask, 200, body=HELD))
    assert us.take()[0].data == ack.data
    assert us.told() == []
    [resume] = modify(us, OFFER)
    assert resume.cseq == ask.cseq + 1


def test_hold_by_update():
    us = Us()
    sent = answered(us)
    [ask] = modify(us, update=True)
    assert (ask.method, ask.body, ask.cseq) == ("UPDATE", HOLD, sent.cseq + 1)
    assert ask.contact_uri
    us.receive(reply(ask, 200, body=HELD))
    assert us.take() == []
    assert us.told() == [Modified(1, HELD)]


def test_the_called_side_modifies_as_well():
    us = Us()
    up(us)
    [ask] = modify(us, HOLD, -1)
    assert (ask.method, ask.cseq, ask.to_tag) == ("INVITE", 1, b"ft1")
    us.receive(reply(ask, 200, body=HELD))
    assert us.told() == [Modified(-1, HELD)]


@pytest.mark.parametrize("code", [488, 606, 403, 415, 503])
def test_a_refused_change_leaves_the_call_as_it_was(code: int):
    us = Us()
    answered(us)
    [ask] = modify(us)
    us.receive(reply(ask, code))
    assert [m.method for m in us.take()] == ["ACK"]
    assert us.told() == [ModifyFailed(1, code)]
    assert us.run(60_000) == []
    [again] = modify(us)
    assert again.cseq == ask.cseq + 1


def test_a_refused_update_leaves_the_call_as_it_was():
    us = Us()
    answered(us)
    [ask] = modify(us, update=True)
    us.receive(reply(ask, 488))
    assert us.take() == []
    assert us.told() == [ModifyFailed(1, 488)]


@pytest.mark.parametrize("code", [405, 501])
def test_a_peer_without_update_gets_a_reinvite(code: int):
    us = Us()
    answered(us)
    [ask] = modify(us, update=True)
    us.receive(reply(ask, code))
    [again] = us.take()
    assert (again.method, again.body) == ("INVITE", HOLD)


@pytest.mark.parametrize("code", [408, 481])
@pytest.mark.parametrize("update", [False, True])
def test_481_and_408_end_the_call(code: int, *, update: bool):
    us = Us()
    answered(us)
    [ask] = modify(us, update=update)
    us.receive(reply(ask, code))
    bye = us.last()
    assert bye.method == "BYE"
    us.receive(reply(bye, 481))
    assert us.told() == [
        ModifyFailed(1, code),
        Ended(1, 200, "Some Phrase", 0, "timeout", True),
    ]
    us.run(40_000)
    assert us.empty()


@pytest.mark.parametrize("update", [False, True])
def test_silence_ends_the_call(*, update: bool):
    us = Us()
    answered(us)
    modify(us, update=update)
    out = us.run(32_000)
    assert out[-1][1].method == "BYE"
    us.run(40_000)
    assert us.told() == [ModifyFailed(1, 0), Ended(1, 200, "Some Phrase", 0, "timeout", True)]
    us.run(40_000)
    assert us.empty()


def test_a_change_that_is_worked_on_for_ever_is_cancelled_and_the_call_ended():
    us = Us()
    answered(us)
    [ask] = modify(us)
    us.receive(reply(ask, 180))
    out = [m.method for _, m in us.run(301_000)]
    assert out[0] == "CANCEL"
    us.run(80_000)
    assert [type(e) for e in us.told()] == [ModifyFailed, Ended]
    us.run(40_000)
    assert us.empty()


def glare_waits(us: Us, leg: int, *, update: bool) -> list[int]:
    """Milliseconds that we wait after each 491."""
    [ask] = modify(us, HOLD, leg, update=update)
    waits = []
    for _ in range(GLARES_MAX):
        us.receive(reply(ask, 491))
        us.take()
        at, ask = next((at, m) for at, m in us.run(4_100) if m.method == ask.method)
        waits.append(at)
    us.receive(reply(ask, 491))
    assert us.told() == [ModifyFailed(leg, 491)]
    return waits


@pytest.mark.parametrize("update", [False, True])
def test_after_a_glare_the_owner_of_the_call_id_waits_longer(*, update: bool):
    waits = []
    for seed in range(20):
        us = Us(seed=seed)
        answered(us)
        waits += glare_waits(us, 1, update=update)
    assert all(2_100 <= at <= 4_002 for at in waits)
    assert max(waits) - min(waits) > 1_500


@pytest.mark.parametrize("update", [False, True])
def test_after_a_glare_the_other_side_waits_less(*, update: bool):
    waits = []
    for seed in range(20):
        us = Us(seed=seed)
        up(us)
        waits += glare_waits(us, -1, update=update)
    assert all(at <= 2_002 for at in waits)
    assert max(waits) - min(waits) > 1_500


def test_a_500_with_a_short_retry_after_is_tried_again():
    us = Us()
    answered(us)
    [ask] = modify(us)
    us.receive(reply(ask, 500, extra="Retry-After: 3\r\n"))
    assert us.told() == []
    us.take()
    [(at, again)] = us.run(3_100)
    assert (at in range(3_000, 3_003), again.method) == (True, "INVITE")


@pytest.mark.parametrize("retry", ["", "Retry-After: 60\r\n"])
def test_any_other_500_is_a_failure(retry: str):
    us = Us()
    answered(us)
    [ask] = modify(us)
    us.receive(reply(ask, 500, extra=retry))
    assert us.told() == [ModifyFailed(1, 500)]


def test_while_ours_is_open_theirs_is_491():
    us = Us()
    sent = answered(us)
    [ask] = modify(us)
    tag = f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}"
    for method, cseq in (("INVITE", 5), ("UPDATE", 6)):
        theirs = request(
            method,
            call_id=sent.call_id.decode(),
            from_tag="them",
            to=tag,
            cseq=cseq,
            body=SDP,
            branch=f"z9hG4bK{method}",
        )
        us.receive(theirs)
        first = us.last()
        assert first.status == 491
        us.receive(theirs)
        assert us.last().data == first.data
    us.receive(reply(ask, 200, body=HELD))
    assert us.told() == [Modified(1, HELD)]


def test_a_challenge_is_met():
    for update in (False, True):
        us = Us()
        sent = us.invite(credentials=Credentials("a", "b"))
        us.receive(reply(sent, 200, body=ANSWER))
        us.take()
        us.told()
        [ask] = modify(us, update=update)
        us.receive(reply(ask, 401, extra=CHALLENGE))
        again = us.take()[-1]
        assert (again.method, again.cseq, again.body) == (ask.method, ask.cseq + 1, HOLD)
        assert b'uri="sip:gw@192.0.2.2:5060"' in again.get_all("Authorization")[0]
        us.receive(reply(again, 200, body=HELD))
        assert us.told() == [Modified(1, HELD)]


def test_a_wrong_password_is_a_failed_change():
    us = Us()
    sent = us.invite(credentials=Credentials("a", "b"))
    us.receive(reply(sent, 200, body=ANSWER))
    us.take()
    us.told()
    [ask] = modify(us)
    us.receive(reply(ask, 401, extra=CHALLENGE))
    us.receive(reply(us.last(), 401, extra=CHALLENGE))
    assert us.told() == [ModifyFailed(1, 401)]


def test_a_change_moves_the_target():
    us = Us()
    answered(us)
    [ask] = modify(us)
    us.receive(reply(ask, 200, body=HELD, contact="<sip:new@192.0.2.30:5090>"))
    assert us.sent[-1].target == ("192.0.2.30", 5090, 0)
    assert us.last().uri == b"sip:new@192.0.2.30:5090"
    us.release()
    assert us.sent[-1].target == ("192.0.2.30", 5090, 0)


def test_the_last_of_several_wishes_counts():
    us = Us()
    answered(us)
    [ask] = modify(us)
    assert modify(us, OFFER) == []
    assert modify(us, HOLD) == []
    assert us.told() == [ModifyFailed(1, 0)]
    us.receive(reply(ask, 200, body=HELD))
    ack, following = us.take()
    assert (ack.method, following.method, following.body) == ("ACK", "INVITE", HOLD)


def test_a_change_waits_for_the_peers_ack():
    us = Us()
    ok = up(us)
    inside(us, "INVITE", ok, 2, body=SDP)
    us.take()
    assert modify(us, HOLD, -1) == []
    inside(us, "ACK", ok, 2)
    [ask] = us.take()
    assert (ask.method, ask.body) == ("INVITE", HOLD)


def test_a_change_of_a_call_that_only_rings_fails():
    us = Us()
    us.invite()
    us.take()
    assert modify(us) == []
    assert us.told() == [ModifyFailed(1, 0)]
    us.endpoint.modify(77, HOLD, us.now_ns)
    with pytest.raises(SipError):
        us.endpoint.modify(1, b"", us.now_ns)


def test_an_update_changes_an_early_session():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 183, body=ANSWER, extra="Require: 100rel\r\nRSeq: 1\r\n"))
    us.receive(reply(us.last(), 200))
    us.take()
    us.told()
    [ask] = modify(us)
    assert (ask.method, ask.cseq, ask.body) == ("UPDATE", 3, HOLD)
    us.receive(reply(ask, 200, body=HELD))
    assert us.told() == [Modified(1, HELD)]
    us.receive(reply(sent, 200))
    assert us.take()[0].cseq == 1


def test_an_early_update_of_the_called_side():
    us = Us()
    us.receive(request("INVITE", body=SDP, extra="Supported: 100rel\r\n"))
    us.endpoint.ring(-1, us.now_ns, 183, ANSWER, reliable=True)
    us.pump()
    early = us.last()
    rack = f"RAck: {early.get_all('RSeq')[0].decode()} 1 INVITE\r\n"
    assert modify(us, HOLD, -1)[-1].status == 183
    assert us.told()[-1] == ModifyFailed(-1, 0)
    inside(us, "PRACK", early, 2, extra=rack)
    us.take()
    [ask] = modify(us, HOLD, -1)
    assert ask.method == "UPDATE"
    us.receive(reply(ask, 200, body=HELD))
    assert us.told() == [Modified(-1, HELD)]


def test_hanging_up_in_the_middle_of_a_change():
    us = Us()
    answered(us)
    [ask] = modify(us)
    us.release()
    bye = us.last()
    us.receive(reply(bye, 200))
    us.take()
    us.receive(reply(ask, 200, body=HELD))
    assert [m.method for m in us.take()] == ["ACK"]
    assert [type(e) for e in us.told()] == [Ended]
    us.run(40_000)
    assert us.empty()


def test_a_bye_in_the_middle_of_a_change():
    us = Us()
    sent = answered(us)
    [ask] = modify(us)
    us.receive(peer_bye(us, sent))
    us.receive(reply(ask, 487))
    assert [type(e) for e in us.told()] == [Ended]
    us.run(40_000)
    assert us.empty()


def test_a_2xx_from_another_dialog_is_not_acknowledged():
    us = Us()
    answered(us)
    [ask] = modify(us)
    us.receive(reply(ask, 200, body=HELD).replace(b"tag=them", b"tag=else"))
    assert us.take() == []
    assert us.told() == []


def test_what_we_hold_stays_on_hold_when_the_peer_offers():
    us = Us()
    ok = up(us)
    [ask] = modify(us, HOLD, -1)
    us.receive(reply(ask, 200, body=HELD))
    us.told()
    told = inside(us, "INVITE", ok, 2, body=SDP)
    assert told == [Renegotiated(-1, SDP)]
    assert sdp.parse(us.last().body).direction == "sendonly"


def test_the_peer_cannot_offer_before_it_answered():
    us = Us()
    ok = up(us)
    inside(us, "INVITE", ok, 2)  # no offer: ours is in the 200, its answer belongs into the ACK
    assert us.last().body
    for number, method in enumerate(("UPDATE", "INVITE"), 3):
        inside(us, method, ok, number, body=SDP)
        assert us.last().status == 491
    us.told()
    assert inside(us, "ACK", ok, 2, body=SDP) == [Renegotiated(-1, SDP)]
    inside(us, "UPDATE", ok, 6, body=SDP)
    assert us.last().status == 200


def test_established_is_told_once():
    us = Us()
    ok = up(us)
    inside(us, "INVITE", ok, 2, body=SDP)
    assert inside(us, "ACK", ok, 2) == []
    assert Established(-1) not in us.events
