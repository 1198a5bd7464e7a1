"""REFER of the peer (RFC 3515, 3892, 4488), in virtual time."""

from __future__ import annotations

import pytest

from sip.calls import refer, referred
from sip.errors import SipError
from sip.events import (
    Ended,
    ReferAsked,
)
from sip.limits import MS, REFER_ANSWER, REFER_S_MAX, REFERS_MAX
from sip.messages.replaces import parse
from tests.sip.net import (
    ANSWER,
    Us,
    answered,
    peer_bye,
    reply,
    request,
)
from tests.sip.transfers import BOB, SERIAL, asked, inside, taken


def test_we_are_referred():
    us, call = asked(f'Refer-To: "Bob" <{BOB}>\r\nReferred-By: <sip:gw@192.0.2.2>\r\n')
    assert us.told() == [ReferAsked(1, BOB, "sip:gw@192.0.2.2", "")]
    assert inside(us, call, "OPTIONS") is not None
    us.endpoint.refer_answer(1, 202, us.now_ns)
    us.pump()
    accepted, notify = us.take()
    assert accepted.status == 202
    assert accepted.contact_uri
    assert notify.get_all("Event") == [b"refer;id=300"]
    assert notify.get_all("Subscription-State") == [b"active;expires=%d" % REFER_S_MAX]
    assert (notify.content_type, notify.body) == (b"message/sipfrag", b"SIP/2.0 100 Trying\r\n")
    assert notify.contact_uri
    us.endpoint.refer_notify(1, 180, us.now_ns)
    us.endpoint.refer_notify(1, 183, us.now_ns)  # the newest waits for the one on its way
    us.pump()
    assert us.take() == []
    us.receive(reply(notify, 200))
    [second] = us.take()
    assert second.body == b"SIP/2.0 183 Session Progress\r\n"
    us.receive(reply(second, 200))
    assert us.take() == []
    us.run(5_000)
    us.endpoint.refer_notify(1, 200, us.now_ns)
    us.pump()
    [last] = us.take()
    assert last.body == b"SIP/2.0 200 OK\r\n"
    assert last.get_all("Subscription-State") == [b"terminated;reason=noresource"]
    us.receive(reply(last, 200))
    us.endpoint.refer_notify(1, 200, us.now_ns)
    us.endpoint.refer_answer(1, 202, us.now_ns)
    assert us.pump() == []
    assert us.endpoint.statistics()["referrals"] == 0


def test_a_repeated_refer_is_asked_once_and_answered_once():
    us = Us()
    call = answered(us)
    data = request(
        "REFER",
        branch="z9hG4bKsame",
        call_id=call.call_id.decode(),
        from_tag="them",
        to=f"<sip:1900@192.0.2.1>;tag={call.from_tag.decode()}",
        extra=f"Refer-To: <{BOB}>\r\n",
    )
    us.receive(data)
    us.receive(data)
    assert len(us.told()) == 1
    assert us.take() == []
    us.endpoint.refer_answer(1, 603, us.now_ns)
    us.pump()
    us.receive(data)
    assert [m.status for m in us.take()] == [603, 603]


@pytest.mark.parametrize("code", [300, 403, 486, 603])
def test_we_refuse(code: int):
    us, call = asked()
    us.endpoint.refer_answer(1, code, us.now_ns)
    us.pump()
    [refusal] = us.take()
    assert refusal.status == code
    us.endpoint.refer_notify(1, 180, us.now_ns)
    assert us.pump() == []
    assert inside(us, call, "REFER", f"Refer-To: <{BOB}>\r\n", cseq=301) is None  # asked anew


def test_nobody_answers_the_peer():
    us, _ = asked()
    us.run(REFER_ANSWER // MS - 100)
    assert us.take() == []
    us.run(200)
    assert [m.status for m in us.take()] == [603]
    assert us.endpoint.statistics()["referrals"] == 0


def test_an_answer_that_is_none():
    us, _ = asked()
    for code in (100, 199, 700, 0):
        with pytest.raises(SipError):
            us.endpoint.refer_answer(1, code, us.now_ns)
    us.endpoint.refer_answer(1, 200, us.now_ns)
    for code in (99, 700):
        with pytest.raises(SipError):
            us.endpoint.refer_notify(1, code, us.now_ns)
    with pytest.raises(SipError):
        us.endpoint.refer_notify(1, 180, us.now_ns, phrase="a\r\nb")


def test_the_peer_wants_no_subscription():
    us, _ = asked(f"Refer-To: <{BOB}>\r\nRefer-Sub: false\r\n")
    us.endpoint.refer_answer(1, 200, us.now_ns)
    us.pump()
    [accepted] = us.take()
    assert (accepted.status, accepted.get_all("Refer-Sub")) == (202, [b"false"])
    us.endpoint.refer_notify(1, 200, us.now_ns)
    assert us.pump() == []


def test_the_peer_hangs_up_at_once_and_still_hears():
    us, call, notify = taken()
    us.receive(reply(notify, 200))
    us.receive(peer_bye(us, call, cseq=500))
    assert [type(e) for e in us.told()] == [Ended]
    us.take()
    us.endpoint.refer_notify(1, 486, us.now_ns, phrase="Busy there")
    us.pump()
    [last] = us.take()
    assert last.body == b"SIP/2.0 486 Busy there\r\n"
    us.receive(reply(last, 200))
    us.run(200_000)
    assert us.empty()
    assert us.endpoint.statistics()["referrals"] == 0


@pytest.mark.parametrize("code", [481, 500, 0])
def test_a_notify_is_refused(code: int):
    us, _, notify = taken()
    us.endpoint.refer_notify(1, 180, us.now_ns)
    if code:
        us.receive(reply(notify, code))
    else:
        us.run(40_000)
    us.take()
    us.endpoint.refer_notify(1, 200, us.now_ns)
    assert us.pump() == []
    assert us.endpoint.statistics()["referrals"] == 0
    assert us.sizes()["legs"] == 1  # the call goes on


def test_the_first_outcome_stays():
    us, _, notify = taken()
    us.endpoint.refer_notify(1, 200, us.now_ns)
    us.endpoint.refer_notify(1, 486, us.now_ns)
    us.endpoint.refer_notify(1, 180, us.now_ns)
    us.pump()
    us.receive(reply(notify, 200))
    [last] = us.take()
    assert last.body == b"SIP/2.0 200 OK\r\n"


def test_nobody_tells_the_outcome():
    us, _, notify = taken()
    us.receive(reply(notify, 200))
    sent = us.run((REFER_S_MAX + 1) * 1000)
    [at_ms, last] = sent[0]
    assert at_ms >= REFER_S_MAX * 1000
    assert last.get_all("Subscription-State") == [b"terminated;reason=timeout"]
    assert last.body == b"SIP/2.0 100 Trying\r\n"


def test_the_peer_prolongs_and_ends_the_subscription():
    us, call, notify = taken()
    us.receive(reply(notify, 200))
    us.take()
    us.receive(
        request(
            "SUBSCRIBE", branch="z9hG4bKs1", cseq=301, call_id=call.call_id.decode(),
            from_tag="them", to=f"<sip:1900@192.0.2.1>;tag={call.from_tag.decode()}",
            extra="Event: refer;id=300\r\nExpires: 60\r\n",
        )
    )  # fmt: skip
    granted, state = us.take()
    assert (granted.status, granted.expires) == (200, 60)
    assert state.get_all("Subscription-State") == [b"active;expires=60"]
    us.receive(reply(state, 200))
    us.receive(
        request(
            "SUBSCRIBE", branch="z9hG4bKs2", cseq=302, call_id=call.call_id.decode(),
            from_tag="them", to=f"<sip:1900@192.0.2.1>;tag={call.from_tag.decode()}",
            extra="Event: refer\r\nExpires: 0\r\n",
        )
    )  # fmt: skip
    granted, last = us.take()
    assert (granted.status, granted.expires) == (200, 0)
    assert last.get_all("Subscription-State") == [b"terminated;reason=timeout"]
    us.receive(reply(last, 200))
    for extra, code in (
        ("Event: refer\r\n", 481),
        ("Event: refer;id=9\r\n", 481),
        ("Event: mwi\r\n", 489),
    ):
        answer = inside(us, call, "SUBSCRIBE", extra, cseq=400 + next(SERIAL))
        assert answer is not None
        assert answer.status == code


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("", 400),
        (f"Refer-To: <{BOB}>\r\nRefer-To: <{BOB}>\r\n", 400),
        (f"Refer-To: <{BOB}>, <{BOB}>\r\n", 400),
        ("Refer-To: <sip:a b@h>\r\n", 400),
        ("Refer-To: <http://h>\r\n", 416),
        ("Refer-To: <sip:a@h;method=BYE>\r\n", 603),
        ("Refer-To: <sip:a@h?Replaces=x>\r\n", 400),
        ("Refer-To: <sip:a@h?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2%0d%0aX%3a%20y>\r\n", 400),
        ("Refer-To: <sip:a@h?Replaces=x%3Bto-tag%3D1%0D%0A%3Bfrom-tag%3D2>\r\n", 400),
        ("Refer-To: <sip:a@h?Replaces=x&Replaces=y>\r\n", 400),
    ],
)
def test_a_refer_that_cannot_be_served(extra: str, code: int):
    us = Us()
    call = answered(us)
    answer = inside(us, call, "REFER", extra)
    assert answer is not None
    assert answer.status == code
    assert us.told() == []


@pytest.mark.parametrize(
    ("extra", "event"),
    [
        ("r: tel:+84901234567\r\nb: broken <\r\n", ReferAsked(1, "tel:+84901234567", "", "")),
        ("Refer-To: <sips:a@h;METHOD=invite;x=1>\r\n", ReferAsked(1, "sips:a@h;x=1", "", "")),
        (
            "Refer-To: <sip:a@h?X-Odd=1%0d%0aY&replaces=c%40x%3Bfrom-tag%3D2%3Bto-tag%3D1>\r\n",
            ReferAsked(1, "sip:a@h", "", "c@x;to-tag=1;from-tag=2"),
        ),
    ],
)
def test_whom_the_peer_wants(extra: str, event: ReferAsked):
    us, _ = asked(extra)
    assert us.told() == [event]


def test_the_peer_wants_to_join_two_calls_of_ours():
    us = Us()
    answered(us)
    other = us.invite(leg=2)
    us.receive(reply(other, 200, body=ANSWER, tag="other"))
    us.take()
    us.told()
    value = f"{other.call_id.decode()};to-tag={other.from_tag.decode()};from-tag=other"
    escaped = parse(value).escaped()
    invite_1 = "call-1@192.0.2.1"
    first_tag = next(t for t in us.endpoint._tags if t != other.from_tag)
    us.receive(
        request(
            "REFER", call_id=invite_1, from_tag="them",
            to=f"<sip:1900@192.0.2.1>;tag={first_tag.decode()}",
            extra=f"Refer-To: <sip:1900@192.0.2.1?Replaces={escaped}>\r\n",
        )
    )  # fmt: skip
    assert us.told() == [ReferAsked(1, "sip:1900@192.0.2.1", "", value, 2)]


def test_one_refer_at_a_time_and_a_limit_on_all(monkeypatch: pytest.MonkeyPatch):
    us, call = asked()
    answer = inside(us, call, "REFER", f"Refer-To: <{BOB}>\r\n", cseq=301)
    assert answer is not None
    assert answer.status == 491
    monkeypatch.setattr(referred, "REFERS_MAX", 1)
    assert REFERS_MAX > 1
    other = us.invite(leg=2)
    us.receive(reply(other, 200, body=ANSWER))
    us.take()
    answer = inside(us, other, "REFER", f"Refer-To: <{BOB}>\r\n", cseq=1)
    assert answer is not None
    assert answer.status == 503


def test_a_refer_before_the_call_is_up():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 183))
    us.take()
    answer = inside(us, sent, "REFER", f"Refer-To: <{BOB}>\r\n")
    assert answer is not None
    assert answer.status in {481, 491}


def test_every_state_is_named_and_reached():
    for module in (refer, referred):
        states = {s for s, _ in module.TABLE} | {to for to, _ in module.TABLE.values()}
        assert states == set(range(len(module.STATES)))
        assert {e for _, e in module.TABLE} == set(range(len(module.EVENTS)))


def test_every_answer_shows_the_user_that_the_invite_showed():
    """12.2.1.1: a Contact without it would take its place as our target at the peer."""
    us = Us()
    call = us.invite(contact_user="1900")
    us.receive(reply(call, 200, body=ANSWER))
    us.take()
    assert inside(us, call, "REFER", f"Refer-To: <{BOB}>\r\n") is None
    us.endpoint.refer_answer(1, 202, us.now_ns)
    us.pump()
    accepted, notify = us.take()
    us.receive(reply(notify, 200))
    renewed = inside(us, call, "SUBSCRIBE", "Event: refer\r\nExpires: 60\r\n", cseq=900)
    assert renewed is not None
    shown = {m.contact_uri for m in (accepted, notify, renewed)}
    assert shown == {b"sip:1900@192.0.2.1:5060"}
