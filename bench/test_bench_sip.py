"""SIP messages: reading and writing them, beside Python's libraries."""

from __future__ import annotations

import asyncio
import collections
import collections.abc
import os
import types
import warnings
from collections.abc import Callable, Iterator

import pytest
import sipmessage

from fastpath.sipscan import scan
from sip.calls.plan import Plan
from sip.events import Invite
from sip.transport.local import Identity, Local
from tests.reference import sip_write

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
MESSAGES = 100 if SMOKE else 20_000
MESSAGES_OF_PEER = 10 if SMOKE else 1_000

BODY = (
    b"v=0\r\no=- 3724394400 3724394405 IN IP4 192.0.2.10\r\ns=call\r\nc=IN IP4 192.0.2.10\r\n"
    b"t=0 0\r\nm=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)
HEAD = (
    "INVITE sip:+84901234567@gw.example.com;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK74bf9c1d2e3f;rport\r\n"
    "Max-Forwards: 70\r\n"
    'From: "Dialer" <sip:1900@trunk.example.com>;tag=9fxced76sl\r\n'
    "To: <sip:+84901234567@gw.example.com;user=phone>\r\n"
    "Call-ID: 3848276298220188511@192.0.2.10\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:1900@192.0.2.10:5060>\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, INFO, UPDATE, PRACK\r\n"
    "Supported: timer, replaces, 100rel\r\n"
    "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n"
    "User-Agent: dialerd/0.1 (a bench message of the usual size)\r\n"
    "P-Asserted-Identity: <sip:+842812345678@trunk.example.com>\r\n"
    "Content-Type: application/sdp\r\n"
)
MESSAGE = HEAD.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def ours(n: int) -> int:
    for _ in range(n):
        scan(MESSAGE)
    return n


def ours_with_values(n: int) -> int:
    """What a called side takes out of an INVITE."""
    for _ in range(n):
        m = scan(MESSAGE)
        _ = m.method, m.uri_user, m.transaction_key, m.from_tag, m.call_id, m.contact_uri, m.body
    return n


def with_sipmessage(n: int) -> int:
    for _ in range(n):
        sipmessage.Message.parse(MESSAGE)
    return n


@pytest.fixture
def aiosip_message(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """aiosip 0.2.0 imports on this Python only with what was removed since put back.

    It also makes futures while no loop runs, so there is one.
    """
    monkeypatch.setattr(asyncio, "coroutine", types.coroutine, raising=False)
    for name in ("MutableMapping", "Mapping", "Iterable"):
        monkeypatch.setattr(collections, name, getattr(collections.abc, name), raising=False)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from aiosip.message import Message
    yield Message
    asyncio.set_event_loop(None)
    loop.close()


READERS: dict[str, tuple[Callable[[int], int], str | None, int]] = {
    "ours": (ours, None, MESSAGES),
    "sipmessage": (with_sipmessage, "sipmessage 0.7.1", MESSAGES_OF_PEER),
}
PARSE = f"scan an INVITE with SDP, {len(MESSAGE)} bytes"


@pytest.mark.benchmark(group=PARSE)
@pytest.mark.parametrize("who", READERS)
def test_parse(benchmark, who):
    reader, peer, n = READERS[who]
    benchmark.extra_info |= {"unit": "message", "units": n, "peer": peer}
    assert benchmark(reader, n) == n


@pytest.mark.benchmark(group=PARSE)
def test_parse_with_aiosip(benchmark, aiosip_message):
    def read(n: int) -> int:
        for _ in range(n):
            aiosip_message.from_raw_message(MESSAGE.decode())
        return n

    peer = "aiosip 0.2.0 with a shim"
    benchmark.extra_info |= {"unit": "message", "units": MESSAGES_OF_PEER, "peer": peer}
    assert benchmark(read, MESSAGES_OF_PEER) == MESSAGES_OF_PEER


@pytest.mark.benchmark(group="scan it and take seven values out")
def test_parse_and_take(benchmark):
    benchmark.extra_info |= {"unit": "message", "units": MESSAGES}
    assert benchmark(ours_with_values, MESSAGES) == MESSAGES


PLAN = Plan(
    Invite(
        1, (("192.0.2.2", 5060, 0),), "sip:84901234567@192.0.2.2", "sip:1900@192.0.2.1",
        "sip:84901234567@192.0.2.2", "3848276298220188511@192.0.2.1", BODY,
    ),
    b"9fxced76slb3c1d5",
)  # fmt: skip
IDENTITY = Identity(Local("192.0.2.1", 5060), "dialerd")
CALL_ID = b"3848276298220188511@192.0.2.1"


def written(n: int) -> int:
    """From what is prepared for the trunk and the call, which a repetition uses again."""
    for cseq in range(n):
        PLAN.build(IDENTITY, b"z9hG4bK74bf9c1d2e3f0a1b", CALL_ID, cseq, BODY)
    return n


def written_plainly(n: int) -> int:
    """The same text by one format string of Python's."""
    uri, branch = b"sip:84901234567@192.0.2.2", b"z9hG4bK74bf9c1d2e3f0a1b"
    for cseq in range(n):
        lines = IDENTITY.contact + IDENTITY.about + b"Supported: 100rel, timer\r\n"
        sip_write.request(
            b"INVITE", uri, IDENTITY.via, branch, PLAN.ours, PLAN.to, CALL_ID, cseq, lines, BODY
        )
    return n


WRITERS = {None: written, "a bytes format": written_plainly}


@pytest.mark.benchmark(group="write an INVITE with SDP")
@pytest.mark.parametrize("peer", WRITERS)
def test_write(benchmark, peer):
    benchmark.extra_info |= {"unit": "message", "units": MESSAGES, "peer": peer}
    assert benchmark(WRITERS[peer], MESSAGES) == MESSAGES
