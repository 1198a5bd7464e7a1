"""`dialerd call`'s own machine against called sides that nobody would build on purpose.

SIPp plays them and judges: it ends with 0 when each message came that its scenario wants.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dialerd.shell.call_words import CallOptions, CallReport
from dialerd.shell.one_call import OneCall
from sip.accounts.auth import Credentials
from sip.messages.uri import parse
from tests.interop.sipp import sipp
from tests.interop.written import (
    Step,
    agrees,
    answered,
    asks,
    comes,
    description,
    invited,
    says,
    waits,
    write,
)

pytestmark = pytest.mark.interop
OURS = (comes("BYE"), agrees())  # we hang up
ACK = comes("ACK")
SDP = description()
CHALLENGE = 'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm=MD5{more}\n'
LATER = "Require: 100rel\nRSeq: 1\n"


def challenge(name: str, realm: str, nonce: str, more: str = "") -> str:
    return f"{name}: " + CHALLENGE.format(realm=realm, nonce=nonce, more=more)


def call(folder: Path, *steps: Step, **wish: Any) -> CallReport:
    """Call a SIPp that goes by these steps; it must be content."""
    with sipp(folder, write(folder / "peer", *steps)) as peer:
        text = f"sip:84912345678@127.0.0.1:{peer.port}"
        options = CallOptions(parse(text), text=text, **({"seconds": 0.3} | wish))

        async def run() -> CallReport:
            return await OneCall(options, asyncio.get_running_loop()).run()

        report = asyncio.run(run())
        judged = peer.finish()
    assert (judged["successful"], judged["failed"]) == (1, 0)
    return report


def names(report: CallReport) -> list[str]:
    return [event.event for event in report.timeline]


ANSWERED: dict[str, tuple[Step, ...]] = {
    "tags that wander": (
        invited(), says(100), says(180, tag="a"), says(180, tag="b"), says(183, SDP, tag="c"),
        says(200, SDP, tag="d"), comes("ACK", To="tag=d"), comes("BYE", To="tag=d"), agrees(),
    ),
    "another description in the answer": (
        invited(), says(183, description("[media_port]")), says(200, description("40000", 2)), ACK,
        *OURS,
    ),
    "an answer without progress": (invited(), says(200, SDP), ACK, *OURS),
    "described in the 183 alone": (invited(), says(183, SDP), says(200), ACK, *OURS),
    "the 200 again and again": (
        invited(), says(200, SDP), ACK, says(200, SDP), *OURS,
    ),
    "progress nobody has heard of": (
        invited(), says(199), says(155), says(181, lines="Reason: x;;y\n"), says(200, SDP), ACK,
        *OURS,
    ),
    "reliable without a number": (
        invited(), says(180, lines="Require: 100rel\n"), says(200, SDP), ACK, *OURS,
    ),
    "a contact that is nowhere": (
        invited(), says(200, SDP, contact="<sip:gw@gateway.invalid>"), ACK, *OURS,
    ),
    "a broken contact": (invited(), says(200, SDP, contact="<sip:gw@;"), ACK, *OURS),
    "no contact": (invited(), says(200, SDP, contact=""), ACK, *OURS),
    "the same header twice": (
        invited(), says(200, SDP, lines="Expires: 60\nExpires: now\nContent-Type: x/y\n"), ACK,
        *OURS,
    ),
    "a challenge that goes stale": (
        invited(), says(401, lines=challenge("WWW-Authenticate", "r", "one==")), ACK,
        invited(Authorization="one=="),
        says(401, lines=challenge("WWW-Authenticate", "r", "two==", ", stale=TRUE")), ACK,
        invited(Authorization="two=="), says(200, SDP), ACK, *OURS,
    ),
    "a proxy behind the server": (
        invited(), says(401, lines=challenge("WWW-Authenticate", "server", "s")), ACK,
        invited(Authorization='nonce="s"'),
        says(407, lines=challenge("Proxy-Authenticate", "proxy", "p")), ACK,
        invited(Authorization='nonce="s"', Proxy_Authorization='nonce="p"'), says(200, SDP), ACK,
        *OURS,
    ),
    "a longer session": (
        invited(), says(422, lines="Min-SE: 1800\n"), ACK,
        invited(Session_Expires="1800", Min_SE="1800"),
        says(200, SDP, lines="Session-Expires: 1800;refresher=uas\nRequire: timer\n"), ACK, *OURS,
    ),
    "keys and silence on an old port": (
        invited(), says(183, description("9")), says(200, description("0", 2)), ACK, *OURS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERED)
def test_who_answers_after_all(tmp_path: Path, name: str) -> None:
    report = call(tmp_path, *ANSWERED[name], credentials=Credentials("u", "p"))
    assert report.answer_ms is not None
    assert (report.outcome, report.sip_code, report.released_by) == ("answered", 200, "us")


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (302, "Contact: <tel:+84>, broken, <sip:b@192.0.2.9>;q=0.1\nContact: <sip:c@192.0.2.9>\n"),
        (380, ""),
        (407, "Proxy-Authenticate: Basic realm=x\n"),
        (401, 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-999\n'),
        (420, "Unsupported: 100rel\n"),
        (421, "Require: moon\n"),
        (422, "Min-SE: nonsense\n"),
        (481, ""),
        (487, ""),
        (491, ""),
        (503, "Retry-After: tomorrow\n"),
        (603, "Reason: Q.850;cause=;text=\n"),
        (699, ""),
    ],
)
def test_who_refuses_is_acknowledged_and_told(tmp_path: Path, code: int, lines: str) -> None:
    report = call(
        tmp_path, invited(), says(180), says(code, lines=lines, contact=""), ACK,
        credentials=Credentials("u", "p"),
    )  # fmt: skip
    assert (report.sip_code, report.answer_ms, report.released_by) == (code, None, "them")
    assert report.timeline[-1].detail == f"them: {code} Because"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (says(200), "bad_sdp"),
        (says(200, SDP, kind="application; sdp"), "bad_sdp"),
        (says(200, "nonsense"), "bad_sdp"),
        (says(200, SDP, kind="text/plain"), "bad_sdp"),
    ],
)
def test_an_answer_that_says_nothing_of_use_is_acknowledged_and_hung_up(
    tmp_path: Path, answer: Step, told: str
) -> None:
    report = call(tmp_path, invited(), answer, ACK, *OURS)
    assert told in names(report)
    assert (report.outcome, report.released_by) == ("answered", "us")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("Record-Route: <sip:[local_ip]:[local_port];lr>\n" * 20, "more than 16 Record-Routes"),
        ("Record-Route: <sip:p1;lr>, <sip:p2\n", "a broken Record-Route"),
    ],
)
def test_a_route_that_cannot_be_travelled(tmp_path: Path, lines: str, why: str) -> None:
    report = call(tmp_path, invited(), says(180), says(200, SDP, lines=lines), ACK, *OURS)
    assert (report.outcome, report.sip_code, report.answer_ms) == ("failed", 0, None)
    assert report.reason == f"its answer cannot be acknowledged: {why}"


def test_a_prack_that_is_refused(tmp_path: Path) -> None:
    report = call(
        tmp_path, invited(), says(180, lines=LATER), comes("PRACK"), agrees(481), comes("CANCEL"),
        agrees(), says(487), ACK,
    )  # fmt: skip
    assert (report.outcome, report.released_by) == ("failed", "us")
    assert report.reason == "our PRACK was refused with 481"


def test_hung_up_while_it_rings(tmp_path: Path) -> None:
    report = call(
        tmp_path, invited(), says(180), asks("BYE"), answered(200), comes("CANCEL"), agrees(),
        says(487), ACK,
    )  # fmt: skip
    assert (report.outcome, report.released_by) == ("failed", "them")
    assert report.reason == "hung up before it answered (BYE)"


def test_a_cancel_that_matches_nothing_and_an_answer_behind_it(tmp_path: Path) -> None:
    report = call(
        tmp_path, invited(), says(180), comes("CANCEL"), agrees(481), waits(100), says(200, SDP),
        ACK, *OURS, ring_s_max=0.3,
    )  # fmt: skip
    assert (report.outcome, report.released_by) == ("no_answer", "us")


def test_held_by_the_peer_and_taken_back(tmp_path: Path) -> None:
    hold = description(version=2, direction="sendonly")
    back = description(version=3)
    report = call(
        tmp_path, invited(), says(200, SDP), ACK, asks("INVITE", 1, hold),
        answered(200), asks("ACK", 1), asks("INVITE", 2, back), answered(200), asks("ACK", 2),
        asks("BYE", 3), answered(200), seconds=5.0,
    )  # fmt: skip
    told = [event.detail for event in report.timeline if event.event == "renegotiated"]
    assert told == ["recvonly", "sendrecv"]
    assert report.released_by == "them"


def test_an_update_in_the_early_dialog(tmp_path: Path) -> None:
    report = call(
        tmp_path, invited(), says(183, SDP, lines=LATER), comes("PRACK"), agrees(),
        asks("UPDATE", 1, description(version=2)), answered(200, Content_Type="sdp"), says(200),
        ACK, *OURS,
    )  # fmt: skip
    assert "renegotiated" in names(report)
    assert report.outcome == "answered"


def test_a_session_shorter_than_ours(tmp_path: Path) -> None:
    short = "Session-Expires: 20;refresher=uac\nSupported: timer\n"
    report = call(
        tmp_path, invited(), says(200, SDP), ACK, asks("UPDATE", 1, lines=short),
        answered(422, Min_SE="90"), asks("BYE", 2), answered(200), seconds=5.0,
    )  # fmt: skip
    assert report.released_by == "them"


def test_requests_that_are_unknown_or_nobodys(tmp_path: Path) -> None:
    report = call(
        tmp_path, invited(), says(200, SDP), ACK, asks("INFO", 7), answered(200),
        asks("SING", 8), answered(405), asks("BYE", 9, tag="other"), answered(481),
        asks("BYE", 10), answered(200), seconds=5.0,
    )  # fmt: skip
    assert report.released_by == "them"
