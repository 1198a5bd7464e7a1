"""RFC 4028 both ways: who refreshes, how, 422, and what a missing refresh means."""

from __future__ import annotations

import random

import pytest

from fastpath.sipscan import Message
from sip.endpoint import Endpoint
from sip.events import Accepted, Ended, Renegotiated
from sip.limits import SESSION_MAX_S
from sip.transport.local import Local
from tests.sip.callee import OURS, SDP, gone, inside
from tests.sip.net import ANSWER, US, Us, reply, request

S = 1_000
UPDATES = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n"


def expires(message: Message) -> bytes:
    values = message.get_all("Session-Expires")
    return values[0] if values else b""


def granted(us: Us, extra: str, **wish: object) -> Message:
    """A call of ours that is answered with these headers."""
    sent = us.invite(**wish)
    us.receive(reply(sent, 200, body=ANSWER, extra=extra))
    us.take()
    us.told()
    return sent


def taken(us: Us, extra: str) -> Message:
    """A call to us, up; our 200."""
    us.receive(request("INVITE", body=SDP, extra=extra))
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    ok = us.last()
    inside(us, "ACK", ok, 1)
    us.take()
    return ok


# the caller asks


def test_what_an_invite_asks():
    us = Us()
    assert expires(us.invite()) == b""
    sent = us.invite(leg=2, session_s=1_800, min_se_s=300)
    assert (expires(sent), sent.get_all("Min-SE")) == (b"1800", [b"300"])
    assert b"timer" in sent.get_all("Supported")[0]
    assert expires(us.invite(leg=3, session_s=100, min_se_s=300)) == b"300"


def test_a_422_is_met_with_a_longer_session():
    us = Us()
    sent = us.invite(session_s=100)
    us.receive(reply(sent, 422, extra="Min-SE: 600\r\n"))
    ack, again = us.take()[1:]
    assert ack.method == "ACK"
    assert (again.cseq, expires(again), again.get_all("Min-SE")) == (2, b"600", [b"600"])
    us.receive(reply(again, 422, extra="Min-SE: 900\r\n"))
    third = us.last()
    assert expires(third) == b"900"
    us.receive(reply(third, 422, extra="Min-SE: 1900\r\n"))
    assert [e.code for e in us.told() if isinstance(e, Ended)] == [422]


@pytest.mark.parametrize("extra", ["", "Min-SE: x\r\n", "Min-SE: 50\r\n", "Min-SE: 100\r\n"])
def test_a_422_that_names_nothing_longer_is_a_refusal(extra: str):
    us = Us()
    us.receive(reply(us.invite(session_s=100), 422, extra=extra))
    assert [e.code for e in us.told() if isinstance(e, Ended)] == [422]


# the caller refreshes


def test_we_refresh_at_half_of_the_interval_by_update():
    us = Us()
    granted(us, f"Session-Expires: 100;refresher=uac\r\nRequire: timer\r\n{UPDATES}", session_s=100)
    [(at, ask)] = us.run(50_002)
    assert 50_000 <= at <= 50_002
    assert (ask.method, ask.body, expires(ask)) == ("UPDATE", b"", b"100;refresher=uac")
    assert b"timer" in ask.get_all("Supported")[0]
    us.receive(reply(ask, 200, extra="Session-Expires: 60;refresher=uac\r\n"))
    assert us.told() == []
    [(at, ask)] = us.run(30_002)
    assert (at in range(30_000, 30_003), expires(ask)) == (True, b"60;refresher=uac")


def test_without_update_we_refresh_by_reinvite():
    us = Us()
    sent = granted(us, "Session-Expires: 100;refresher=uac\r\n", session_s=100)
    [(_, ask)] = us.run(50_100)
    assert (ask.method, ask.body, expires(ask)) == ("INVITE", sent.body, b"100;refresher=uac")
    us.receive(reply(ask, 200, body=ANSWER, extra="Session-Expires: 100;refresher=uac\r\n"))
    us.take()
    assert us.told() == [Renegotiated(1, ANSWER)]
    [(_, again)] = us.run(50_100)
    assert again.cseq == ask.cseq + 1


def test_a_peer_may_ask_though_we_did_not():
    us = Us()
    granted(us, f"Session-Expires: 100\r\n{UPDATES}")
    assert [m.method for _, m in us.run(50_100)] == ["UPDATE"]


def test_a_peer_without_timers_has_none():
    us = Us()
    granted(us, "", session_s=100)
    assert us.run(1_000 * S) == []


def test_a_refresh_that_nobody_answers_ends_the_call():
    us = Us()
    granted(us, f"Session-Expires: 200;refresher=uac\r\n{UPDATES}", session_s=200)
    out = us.run(140 * S)
    assert {m.method for _, m in out} == {"UPDATE", "BYE"}
    us.run(40 * S)
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "timeout", True)]


def test_a_refused_refresh_is_tried_again_until_the_session_is_over():
    us = Us()
    granted(us, f"Session-Expires: 120;refresher=uac\r\n{UPDATES}", session_s=120)
    ended_s, methods = 0, []
    for second in range(120):
        for _, message in us.run(S):
            methods.append(message.method)
            if message.method in {"UPDATE", "INVITE"}:
                us.receive(reply(message, 503))
            elif message.method == "BYE":
                ended_s = second
                us.receive(reply(message, 200))
    # by the other way from the second time on
    assert methods[:3] == ["UPDATE", "INVITE", "INVITE"]
    # 120 less the smaller of 32 and 40
    assert ended_s in {87, 88}
    assert [e.by for e in us.told() if isinstance(e, Ended)] == ["timeout"]


def test_a_422_to_a_refresh_makes_it_longer():
    us = Us()
    granted(us, f"Session-Expires: 100;refresher=uac\r\n{UPDATES}", session_s=100)
    [(_, ask)] = us.run(50_100)
    us.receive(reply(ask, 422, extra="Min-SE: 500\r\n"))
    again = us.last()
    assert (expires(again), again.get_all("Min-SE")) == (b"500;refresher=uac", [b"500"])


def test_a_refresh_answered_without_timer_ends_the_timer():
    us = Us()
    granted(us, f"Session-Expires: 100;refresher=uac\r\n{UPDATES}", session_s=100)
    [(_, ask)] = us.run(50_100)
    us.receive(reply(ask, 200))
    assert us.run(1_000 * S) == []


def test_the_refresher_may_change():
    us = Us()
    granted(us, f"Session-Expires: 100;refresher=uac\r\n{UPDATES}", session_s=100)
    [(_, ask)] = us.run(50_100)
    us.receive(reply(ask, 200, extra="Session-Expires: 90;refresher=uas\r\n"))
    [(at, bye), *_] = us.run(61 * S)
    assert (at in range(60_000, 60_003), bye.method) == (True, "BYE")


# the caller waits for refreshes


def test_no_refresh_means_bye_shortly_before_the_end():
    for seconds, due in ((90, 60), (300, 268)):
        us = Us()
        granted(us, f"Session-Expires: {seconds};refresher=uas\r\n", session_s=seconds)
        [(at, bye), *_] = us.run(due * S + 100)
        assert (at in range(due * S, due * S + 3), bye.method) == (True, "BYE")


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_refresh_of_the_peer_starts_the_clock_anew(method: str):
    us = Us()
    sent = granted(us, "Session-Expires: 90;refresher=uas\r\n", session_s=90)
    to = f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}"
    for cseq in (10, 11, 12):
        us.run(50 * S)
        us.receive(
            request(
                method,
                call_id=sent.call_id.decode(),
                from_tag="them",
                to=to,
                cseq=cseq,
                branch=f"z9hG4bKr{cseq}",
                body=SDP if method == "INVITE" else b"",
                extra="Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n",
            )
        )
        ok = us.last()
        assert (ok.status, expires(ok)) == (200, b"90;refresher=uac")
        assert ok.get_all("Require") == [b"timer"]
        if method == "INVITE":
            ack = request(
                "ACK", call_id=sent.call_id.decode(), from_tag="them", to=to, cseq=cseq,
                branch=f"z9hG4bKa{cseq}",
            )  # fmt: skip
            us.receive(ack)
    assert next(m.method for _, m in us.run(61 * S)) == "BYE"


# the called side


@pytest.mark.parametrize(
    ("extra", "line", "requires"),
    [
        ("Session-Expires: 600\r\nSupported: timer\r\n", b"600;refresher=uac", True),
        ("x: 600;refresher=uac\r\nk: timer\r\n", b"600;refresher=uac", True),
        ("Session-Expires: 600;refresher=uas\r\nSupported: timer\r\n", b"600;refresher=uas", True),
        (
            "Session-Expires: 600 ; Refresher = UAS\r\nSupported: timer\r\n",
            b"600;refresher=uas",
            True,
        ),
        ("Session-Expires: 600\r\n", b"600;refresher=uas", False),
        ("Session-Expires: 600;refresher=uac\r\n", b"600;refresher=uas", False),
        ("Session-Expires: 20\r\n", b"90;refresher=uas", False),
        ("Supported: timer\r\n", b"", False),
        ("Session-Expires: soon\r\nSupported: timer\r\n", b"", False),
        ("Session-Expires: 9999999999\r\n", b"%d;refresher=uas" % SESSION_MAX_S, False),
    ],
)
def test_what_we_grant(extra: str, line: bytes, requires: bool):
    us = Us()
    ok = taken(us, extra)
    assert expires(ok) == line
    assert (b"timer" in ok.get_all("Require")) == requires


def test_too_short_is_422():
    us = Us()
    us.receive(request("INVITE", body=SDP, extra="Session-Expires: 89\r\nSupported: timer\r\n"))
    assert (us.last().status, us.last().get_all("Min-SE")) == (422, [b"90"])
    assert us.empty()
    ok = taken(us, "Session-Expires: 90\r\nSupported: timer\r\n")
    for cseq, method in ((2, "INVITE"), (3, "UPDATE")):
        inside(us, method, ok, cseq, body=SDP, extra="Session-Expires: 30\r\nSupported: timer\r\n")
        assert (us.last().status, us.last().get_all("Min-SE")) == (422, [b"90"])


def test_our_own_wishes():
    us = Us()
    local = Local(*US[:2])
    us.endpoint = Endpoint(local, rng=random.Random(1), session_s=300, min_se_s=120)
    ok = taken(us, "Supported: timer\r\n")
    assert expires(ok) == b"300;refresher=uas"
    us.endpoint = Endpoint(local, rng=random.Random(1), session_s=300, min_se_s=120)
    ok = taken(us, "Session-Expires: 3600\r\nMin-SE: 400\r\nSupported: timer\r\n")
    assert expires(ok) == b"400;refresher=uac"
    us.endpoint = Endpoint(local, rng=random.Random(1), session_s=300, min_se_s=120)
    us.receive(request("INVITE", body=SDP, extra="Session-Expires: 100\r\nSupported: timer\r\n"))
    assert us.last().get_all("Min-SE") == [b"120"]


def test_the_called_side_refreshes():
    us = Us()
    taken(us, f"Session-Expires: 100;refresher=uas\r\nSupported: timer\r\n{UPDATES}")
    [(at, ask)] = us.run(50_100)
    assert (at in range(50_000, 50_003), ask.method) == (True, "UPDATE")
    # in our request we are the uac
    assert expires(ask) == b"100;refresher=uac"


def test_the_called_side_hangs_up_when_nobody_refreshes():
    us = Us()
    taken(us, "Session-Expires: 100;refresher=uac\r\nSupported: timer\r\n")
    [(at, bye), *_] = us.run(69 * S)
    assert (at in range(68_000, 68_003), bye.method) == (True, "BYE")
    us.receive(reply(bye, 200))
    assert us.told() == [Ended(-1, 200, "OK", 0, "timeout", True)]
    assert gone(us)


def test_a_change_without_timer_keeps_it():
    us = Us()
    ok = taken(us, f"Session-Expires: 100;refresher=uas\r\nSupported: timer\r\n{UPDATES}")
    us.run(40 * S)
    inside(us, "UPDATE", ok, 2, extra="Supported: timer\r\n")
    assert expires(us.last()) == b"100;refresher=uas"
    us.take()
    assert [m.method for _, m in us.run(49 * S)] == []
    assert [m.method for _, m in us.run(1_100)] == ["UPDATE"]


def test_a_change_of_ours_refreshes_too():
    us = Us()
    granted(us, f"Session-Expires: 100;refresher=uac\r\n{UPDATES}", session_s=100)
    us.run(40 * S)
    us.endpoint.modify(1, SDP, us.now_ns)
    us.pump()
    ask = us.last()
    assert expires(ask) == b"100;refresher=uac"
    us.receive(reply(ask, 200, body=ANSWER, extra="Session-Expires: 100;refresher=uac\r\n"))
    us.take()
    assert us.run(49 * S) == []
    assert [m.method for _, m in us.run(1_100)] == ["UPDATE"]


def test_the_clock_stops_with_the_call():
    us = Us()
    granted(us, f"Session-Expires: 100;refresher=uac\r\n{UPDATES}", session_s=100)
    us.release()
    us.receive(reply(us.last(), 200))
    us.take()
    assert us.run(1_000 * S) == []
    assert us.empty()


def test_a_hostile_interval_is_bounded():
    us = Us()
    granted(us, f"Session-Expires: 0;refresher=uac\r\n{UPDATES}", session_s=100)
    asks = [m for _, m in us.run(2 * S) if m.method == "UPDATE"]
    assert len(asks) <= 1


def test_a_delayed_answer_starts_it_as_well():
    us = Us()
    sent = us.invite(sdp=b"", session_s=100)
    us.receive(reply(sent, 200, body=SDP, extra=f"Session-Expires: 100;refresher=uac\r\n{UPDATES}"))
    us.endpoint.acknowledge(1, ANSWER, us.now_ns)
    us.pump()
    assert us.told()[-1] == Accepted(1, SDP)
    us.take()
    assert [m.method for _, m in us.run(50_100)] == ["UPDATE"]


@pytest.mark.parametrize(("wanted_s", "granted_s"), [(30, 30), (60, 60), (600, 90), (90, 90)])
def test_what_the_caller_wants_is_shortened_and_never_lengthened(wanted_s: int, granted_s: int):
    """Section 9: the value may be reduced, not below Min-SE or 90 s, and must not be increased."""
    us = Us()
    us.endpoint.min_se_s, us.endpoint.session_s = 20, 40
    us.receive(
        request("INVITE", body=SDP, extra=f"Session-Expires: {wanted_s}\r\nSupported: timer\r\n")
    )
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    assert expires(us.last()) == b"%d;refresher=uac" % granted_s


@pytest.mark.parametrize(("granted_s", "refreshed_s"), [(30, 15), (4, 2), (1, 2)])
def test_a_grant_below_what_the_standard_allows_is_followed(granted_s: int, refreshed_s: int):
    """Sections 7.2 and 9: the peer that grants it hangs up after it, so we refresh in time."""
    us = Us()
    granted(us, f"Session-Expires: {granted_s};refresher=uac\r\n", session_s=1_800)
    [(at, ask)] = us.run(refreshed_s * S + 100)
    assert (at in range(refreshed_s * S, refreshed_s * S + 3), ask.method) == (True, "INVITE")
