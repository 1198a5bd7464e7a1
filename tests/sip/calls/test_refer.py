"""REFER of ours (RFC 3515, 3892, 4488), in virtual time."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message, parse_uri
from sip.accounts.auth import Credentials
from sip.calls import refer
from sip.errors import SipError
from sip.events import (
    Ended,
    ReferProgress,
)
from sip.limits import REFER_S_MAX
from sip.messages.address import parse as parse_address
from sip.messages.replaces import from_uri_header
from tests.sip.net import (
    ANSWER,
    Us,
    answered,
    peer_bye,
    reply,
    request,
)
from tests.sip.transfers import BOB, inside, referring, told


def test_a_blind_transfer():
    us, call, sent = referring()
    assert (sent.method, sent.cseq, sent.to_tag) == ("REFER", 2, b"them")
    assert sent.get_all("Refer-To") == [f"<{BOB}>".encode()]
    assert sent.get_all("Referred-By") == [b"<sip:1900@192.0.2.1>"]
    assert sent.contact_uri == b"sip:192.0.2.1:5060"
    us.receive(reply(sent, 202))
    assert told(us, call, "100 Trying") == 200
    assert told(us, call, "180 Ringing", ident=";id=2") == 200
    assert told(us, call, "200 OK", "terminated;reason=noresource") == 200
    assert us.told() == [
        ReferProgress(1, 202, False, "Some Phrase"),
        ReferProgress(1, 100, False, "Trying"),
        ReferProgress(1, 180, False, "Ringing"),
        ReferProgress(1, 200, True, "OK"),
    ]
    assert told(us, call, "200 OK") == 481  # the subscription is over
    us.release()
    us.receive(reply(us.last(), 200))
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "us", True)]
    us.run(200_000)
    assert us.empty()


@pytest.mark.parametrize("code", [405, 603, 500, 404])
def test_a_refused_refer(code: int):
    us, call, sent = referring()
    us.receive(reply(sent, code))
    assert us.told() == [ReferProgress(1, code, True, "Some Phrase")]
    assert told(us, call, "200 OK") == 481
    us.endpoint.refer(1, BOB, us.now_ns)  # the call goes on, and may be referred again
    us.pump()
    assert us.last().method == "REFER"


def test_nobody_answers_the_refer():
    us, _, _ = referring()
    us.run(40_000)
    assert us.told() == [ReferProgress(1, 0, True, "no reply")]
    assert us.sizes()["legs"] == 1


def test_a_challenged_refer_goes_again():
    us = Us()
    sent = us.invite(credentials=Credentials("a", "b"))
    us.receive(reply(sent, 200, body=ANSWER))
    us.take()
    us.endpoint.refer(1, BOB, us.now_ns)
    us.pump()
    first = us.last()
    challenge = 'Proxy-Authenticate: Digest realm="r", nonce="n"\r\n'
    us.receive(reply(first, 407, extra=challenge))
    again = us.last()
    assert (again.method, again.cseq) == ("REFER", first.cseq + 1)
    assert again.get_all("Proxy-Authorization")
    assert again.get_all("Refer-To") == first.get_all("Refer-To")
    us.receive(reply(again, 202))
    us.told()
    assert told(us, sent, "180 Ringing", ident=f";id={again.cseq}") == 200
    assert [e for e in us.told() if isinstance(e, ReferProgress)][-1].code == 180


def test_a_notify_overtakes_the_202():
    us, call, sent = referring()
    assert told(us, call, "100 Trying") == 200
    us.receive(reply(sent, 202))
    assert told(us, call, "486 Busy Here", "terminated;reason=noresource") == 200
    assert [(e.code, e.final) for e in us.told() if isinstance(e, ReferProgress)] == [
        (100, False),
        (486, True),
    ]


def test_the_outcome_in_an_active_notify_is_final_and_told_once():
    us, call, sent = referring()
    us.receive(reply(sent, 202))
    us.told()
    assert told(us, call, "200 OK", "active;expires=60") == 200
    assert told(us, call, "200 OK", "active;expires=60") == 200
    assert told(us, call, "200 OK", "terminated;reason=noresource") == 200
    assert us.told() == [ReferProgress(1, 200, True, "OK")]
    assert told(us, call, "200 OK") == 481


def test_terminated_without_an_outcome():
    us, call, sent = referring()
    us.receive(reply(sent, 202))
    us.told()
    assert told(us, call, "180 Ringing", "terminated;reason=timeout") == 200
    assert us.told() == [ReferProgress(1, 0, True, refer.SILENT)]


def test_no_notify_ever():
    us, _, sent = referring()
    us.receive(reply(sent, 202))
    us.told()
    us.run(31_000)
    assert us.told() == []
    us.run(2_000)
    assert us.told() == [ReferProgress(1, 0, True, refer.SILENT)]


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        ("active;expires=60", 60),
        ("pending;expires=7", 7),
        ("active", REFER_S_MAX),
        ("active;expires=99999999", REFER_S_MAX),
        ("active;expires=x", REFER_S_MAX),
        ("active;expires=0", 0),
    ],
)
def test_a_subscription_runs_out(state: str, seconds: int):
    us, call, sent = referring()
    us.receive(reply(sent, 202))
    assert told(us, call, "180 Ringing", state) == 200
    us.told()
    us.run((seconds + 4) * 1000)
    assert us.told() == []
    us.run(2_000)
    assert us.told() == [ReferProgress(1, 0, True, refer.SILENT)]


def following(seconds: int) -> tuple[Us, Message]:
    """A transfer that the peer tells about for so long."""
    us, call, sent = referring()
    us.receive(reply(sent, 202))
    assert told(us, call, "180 Ringing", f"active;expires={seconds}", ";id=2") == 200
    us.told()
    return us, call


def test_a_subscription_is_renewed():
    us, call = following(60)
    [(at_ms, renewal)] = us.run(45_100)
    assert (at_ms // 1000, renewal.method, renewal.expires) == (45, "SUBSCRIBE", 180)
    assert renewal.get_all("Event") == [b"refer;id=2"]
    us.receive(reply(renewal, 200, extra="Expires: 100\r\n"))
    [(at_ms, again)] = us.run(75_100)
    assert (at_ms // 1000, again.method) == (75, "SUBSCRIBE")
    assert told(us, call, "180 Ringing", "active;expires=40", ";id=2") == 200
    us.receive(reply(again, 200, extra="Expires: 40\r\n"))
    assert told(us, call, "200 OK", "terminated;reason=noresource", ";id=2") == 200
    assert [(e.code, e.final) for e in us.told() if isinstance(e, ReferProgress)] == [
        (180, False),
        (200, True),
    ]
    assert us.run(200_000) == []


@pytest.mark.parametrize("code", [405, 489, 500])
def test_a_peer_that_does_not_renew_is_heard_to_the_end(code: int):
    us, call = following(60)
    [(_, renewal)] = us.run(45_100)
    us.receive(reply(renewal, code))
    assert told(us, call, "183 Still", "active;expires=30", ";id=2") == 200
    us.told()
    assert us.run(34_000) == []
    assert us.told() == []
    us.run(2_000)
    assert us.told() == [ReferProgress(1, 0, True, refer.SILENT)]
    assert us.sizes()["legs"] == 1


def test_a_peer_that_has_forgotten_its_subscription():
    us, call = following(60)
    [(_, renewal)] = us.run(45_100)
    us.receive(reply(renewal, 481))
    assert us.told() == [ReferProgress(1, 0, True, refer.SILENT)]
    assert told(us, call, "200 OK", ident=";id=2") == 481


def test_nothing_is_renewed_for_ever():
    us, call = following(100)
    for _ in range(45):
        for _, sent in us.run(10_000):
            if sent.method == "SUBSCRIBE":
                us.receive(reply(sent, 200, extra="Expires: 100\r\n"))
        if us.told():
            break
        us.take()
    else:
        pytest.fail("still renewing")
    assert told(us, call, "200 OK") == 481


def test_no_subscription_is_wanted():
    us, call, sent = referring(subscribe=False)
    assert sent.get_all("Refer-Sub") == [b"false"]
    us.receive(reply(sent, 202, extra="Refer-Sub: false\r\n"))
    assert us.told() == [ReferProgress(1, 202, True, "Some Phrase")]
    assert told(us, call, "200 OK") == 481


def test_no_subscription_is_wanted_but_the_peer_opens_one():
    us, call, sent = referring(subscribe=False)
    us.receive(reply(sent, 202))
    assert told(us, call, "200 OK", "terminated") == 200
    assert [(e.code, e.final) for e in us.told() if isinstance(e, ReferProgress)] == [
        (202, False),
        (200, True),
    ]


def test_the_peer_hangs_up_first():
    us, call, sent = referring()
    us.receive(reply(sent, 202))
    us.told()
    us.receive(peer_bye(us, call, cseq=500))
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "them", True)]
    us.take()
    assert told(us, call, "200 OK") == 481
    us.run(400_000)
    assert us.told() == []
    assert us.empty()


def test_the_leg_ends_before_the_answer_to_the_refer():
    us, call, sent = referring()
    us.receive(peer_bye(us, call, cseq=500))
    us.told()
    us.receive(reply(sent, 202))
    us.run(400_000)
    assert us.told() == []
    assert us.empty()


def test_what_cannot_be_asked_now():
    us = Us()
    us.endpoint.refer(1, BOB, us.now_ns)
    assert us.pump() == []  # no such leg
    us.invite()
    us.take()
    us.endpoint.refer(1, BOB, us.now_ns)
    us.pump()
    assert us.told() == [ReferProgress(1, 491, True, "the call is not up")]
    us, _, _ = referring()
    us.endpoint.refer(1, BOB, us.now_ns)
    us.endpoint.refer(1, BOB, us.now_ns, replaces=7)
    us.pump()
    assert us.told() == [
        ReferProgress(1, 491, True, "another REFER is on its way"),
        ReferProgress(1, 491, True, "the other call is not up"),
    ]


@pytest.mark.parametrize(
    "uri",
    ["", "bob", "http://h", "sip:a b@h", "sip:a@h>", "sip:a@h\r\nX: y", "sip:a@h\0", "mailto:a@h"],
)
def test_nobody_can_be_called_there(uri: str):
    us = Us()
    answered(us)
    with pytest.raises(SipError):
        us.endpoint.refer(1, uri, us.now_ns)
    assert us.pump() == []


def test_a_tel_uri():
    us = Us()
    answered(us)
    us.endpoint.refer(1, "tel:+84901234567", us.now_ns)
    us.pump()
    assert us.last().get_all("Refer-To") == [b"<tel:+84901234567>"]


@pytest.mark.parametrize(
    ("refer_to", "expected"),
    [
        ("", "sip:gw@192.0.2.2:5060"),
        (BOB, BOB),
        ("sip:bob@192.0.2.9;user=phone?X=y", "sip:bob@192.0.2.9;user=phone"),
    ],
)
def test_an_attended_transfer(refer_to: str, expected: str):
    us = Us()
    first = answered(us)
    second = us.invite(leg=2, call_id="a%b/c@192.0.2.1")
    us.receive(reply(second, 200, body=ANSWER, tag="other"))
    us.take()
    us.told()
    us.endpoint.refer(1, refer_to, us.now_ns, replaces=2)
    us.pump()
    sent = us.last()
    assert sent.call_id == first.call_id
    target = parse_address(sent.get_all("Refer-To")[0].decode()).uri
    assert parse_uri(target.encode())
    base, _, headers = target.partition("?")
    assert base == expected
    named = from_uri_header(headers.rpartition("Replaces=")[2])
    assert named.call_id == "a%b/c@192.0.2.1"
    assert (named.to_tag, named.from_tag) == ("other", second.from_tag.decode())
    with pytest.raises(SipError):
        us.endpoint.refer(1, "tel:+84", us.now_ns, replaces=2)


# notifications that are none of ours


@pytest.mark.parametrize(
    ("extra", "kind", "code"),
    [
        ("Event: refer\r\nSubscription-State: active\r\n", "message/sipfrag", 200),
        ("o: refer\r\nSubscription-State: active\r\n", "message/sipfrag", 200),
        ("Event: refer;id=77\r\nSubscription-State: active\r\n", "message/sipfrag", 481),
        ("Event: refer;id=x\r\nSubscription-State: active\r\n", "message/sipfrag", 481),
        ("Event: dialog\r\n", "application/dialog-info+xml", 489),
        ("", "message/sipfrag", 489),
        ("Event: refer\r\n", "text/plain", 415),
    ],
)
def test_which_notify_is_taken(extra: str, kind: str, code: int):
    us, call, sent = referring()
    us.receive(reply(sent, 202))
    us.take()
    us.receive(
        request(
            "NOTIFY",
            call_id=call.call_id.decode(),
            from_tag="them",
            to=f"<sip:1900@192.0.2.1>;tag={call.from_tag.decode()}",
            extra=extra,
            body=b"SIP/2.0 180 Ringing\r\n",
            kind=kind,
        )
    )
    assert us.last().status == code
    assert us.last().get_all("Allow-Events") == ([b"refer"] if code == 489 else [])


@pytest.mark.parametrize(
    ("method", "code"), [("NOTIFY", 481), ("REFER", 403), ("SUBSCRIBE", 489), ("PUBLISH", 405)]
)
def test_outside_of_a_call(method: str, code: int):
    us = Us()
    us.receive(request(method, extra=f"Refer-To: <{BOB}>\r\nEvent: refer\r\n"))
    assert us.last().status == code
    assert us.told() == []


@pytest.mark.parametrize("body", [b"", b"hello", b"SIP/2.0 9", b"SIP/2.0 200" + b"x" * 9000])
def test_a_fragment_without_a_state(body: bytes):
    us, call, sent = referring()
    us.receive(reply(sent, 202))
    us.told()
    us.take()
    extra = "Event: refer\r\nSubscription-State: active\r\n"
    answer = inside(us, call, "NOTIFY", extra, body)
    assert answer is not None
    assert answer.status == 200
    [event] = us.told()
    assert isinstance(event, ReferProgress)
    assert (event.code, event.final) in {(100, False), (200, True)}
    assert len(event.phrase) < 5000
