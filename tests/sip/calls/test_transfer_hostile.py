"""Whatever comes about transfers, from the peer and from our user, nothing escapes or stays."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sip.errors import SipError
from sip.events import Ended, ReferAsked, ReferProgress
from tests.sip.net import ANSWER, OFFER, Us, peer_bye, read, reply, request

VALUES = st.sampled_from(
    [
        "<sip:bob@192.0.2.9>",
        "tel:+84901",
        "<sip:a@h?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>",
        "<sip:a@h;method=BYE>",
        "<sip:%00@h?%0d%0a=x&Replaces=%ff>",
        "sip:a@h, sip:b@h",
        "refer",
        "refer;id=2",
        "refer;id=99999999999999999999",
        "refer;id=x",
        "dialog",
        "active;expires=60",
        "active;expires=0",
        "active;expires=" + "9" * 400,
        "terminated;reason=x",
        "pending",
        "false",
        "call-1@192.0.2.1;to-tag=1;from-tag=them",
    ]
) | st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30)
NAMES = st.sampled_from(
    [
        "Refer-To", "r", "Referred-By", "b", "Refer-Sub", "Event", "o", "Subscription-State",
        "Expires", "Replaces", "Require", "Supported", "Reason", "P-Asserted-Identity", "Diversion",
    ]
)  # fmt: skip
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
BODIES = st.sampled_from(
    [
        b"",
        b"SIP/2.0 100 Trying\r\n",
        b"SIP/2.0 200 OK",
        b"SIP/2.0 486\r\n\r\n",
        b"SIP/2.0 999 x",
        b"\0",
    ]
)
METHODS = st.sampled_from(["REFER", "NOTIFY", "SUBSCRIBE", "INVITE", "OPTIONS"])
PEER = st.tuples(st.just("peer"), METHODS, HEADERS, BODIES)
USER = st.tuples(
    st.just("user"),
    st.sampled_from(["refer", "attended", "answer", "notify", "release", "accept"]),
    st.sampled_from([100, 180, 200, 202, 299, 300, 603, 699, 700, 0]),
    st.booleans(),
)
TIME = st.tuples(st.just("time"), st.sampled_from([1, 600, 9_000, 40_000, 400_000]))
REPLY = st.tuples(st.just("reply"), st.sampled_from([100, 200, 202, 401, 481, 491, 500, 603]))


def peer(
    us: Us, tag: str, number: int, method: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """Inside our call; an INVITE outside of it."""
    ours = tag if method != "INVITE" else ""
    us.receive(
        request(
            method,
            branch=f"z9hG4bK{number}",
            call_id="call-1@192.0.2.1" if ours else f"new{number}",
            from_tag="them",
            to=f"<sip:1900@192.0.2.1>{';tag=' if ours else ''}{ours}",
            cseq=number + 1,
            body=body if ours else OFFER,
            kind="message/sipfrag" if ours else "application/sdp",
            extra="".join(f"{name}: {value}\r\n" for name, value in headers),
        )
    )


def user(us: Us, what: str, code: int, flag: bool) -> None:
    endpoint, now_ns = us.endpoint, us.now_ns
    try:
        if what == "refer":
            endpoint.refer(1, "sip:bob@h", now_ns, subscribe=flag)
        elif what == "attended":
            endpoint.refer(1, "", now_ns, replaces=2 if flag else 1)
        elif what == "answer":
            endpoint.refer_answer(1, code, now_ns)
        elif what == "notify":
            endpoint.refer_notify(1, code, now_ns, final=flag or None)
        elif what == "release":
            endpoint.release(1, now_ns)
        else:
            for leg in (-1, -2, -3):
                endpoint.accept(leg, ANSWER, now_ns)
    except SipError:
        assert code < 200 or code == 700
    us.pump()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PEER, PEER, USER, USER, TIME, REPLY), max_size=14))
def test_any_course_of_transfers_comes_to_an_end(steps: list[tuple[object, ...]]):
    us = Us()
    first = us.invite()
    tag = first.from_tag.decode()
    us.receive(reply(first, 200, body=ANSWER))
    second = us.invite(leg=2)
    us.receive(reply(second, 200, body=ANSWER, tag="other"))
    for number, (kind, *step) in enumerate(steps):
        if kind == "peer":
            peer(us, tag, number, *step)  # type: ignore[arg-type]
        elif kind == "user":
            user(us, *step)  # type: ignore[arg-type]
        elif kind == "time":
            us.run(*step)  # type: ignore[arg-type]
        else:
            sent = [m for m in (read(s.data) for s in us.sent) if m.is_request]
            us.receive(reply(sent[-1], *step))  # type: ignore[arg-type]
    for leg in (1, 2):
        us.endpoint.release(leg, us.now_ns)
    us.run(100)
    for event in us.told():
        assert not isinstance(event, ReferProgress) or event.leg == 1
        assert not isinstance(event, ReferAsked) or not set(event.replaces) & set("\r\n\0")
    us.receive(peer_bye(us, first, cseq=5_000, branch="z9hG4bKlast"))
    us.run(1_200_000)
    us.run(1_200_000)
    assert us.empty(), us.endpoint.statistics()
    assert us.endpoint.statistics()["referrals"] == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(USER, max_size=8))
def test_one_final_progress_for_each_refer(steps: list[tuple[str, str, int, bool]]):
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 200, body=ANSWER))
    us.told()
    asked = 0
    for _, what, code, flag in steps:
        if what in {"refer", "attended"}:
            user(us, what, code, flag)
            asked += 1
    us.run(400_000)
    events = us.told()
    gone = any(isinstance(e, Ended) for e in events)
    finals = [e for e in events if isinstance(e, ReferProgress) and e.final]
    assert gone or len(finals) == asked
