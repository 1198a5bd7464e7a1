"""The drawing of a call: columns, folding, widths, and nothing that harms a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.tracing.ladder import Ladder, Step, description, rungs, title
from tests.sip.samples import INVITE, OK, message

S = 1_000_000_000
RINGING = message("SIP/2.0 180 Ringing")
BYE = message("BYE sip:x@y SIP/2.0")
BYE_OK = message("SIP/2.0 200 OK", CSeq="2 BYE")


def step(at_s: float, data: bytes, *, sent: bool = True, peer: str = "192.0.2.2:5060") -> Step:
    return Step(int(at_s * S), sent, "192.0.2.1:5060", peer, "UDP", data)


def test_two_parties() -> None:
    steps = [
        step(0, INVITE),
        step(0.5, INVITE),
        step(0.6, RINGING, sent=False),
        step(1.5, INVITE),
        step(2, OK, sent=False),
        step(3, BYE),
        step(3.25, BYE_OK, sent=False),
    ]
    assert Ladder(steps).text() == [
        "         192.0.2.1:5060                                      192.0.2.2:5060 UDP",
        "   0.000 |- INVITE x3 to 1.500  192.0.2.2:4000 PCMU,PCMA,events ------------->|",
        "   0.600 |<- 180 Ringing -----------------------------------------------------|",
        "   2.000 |<- 200 OK  192.0.2.2:4000 PCMU,PCMA,events -------------------------|",
        "   3.000 |- BYE ------------------------------------------------------------->|",
        "   3.250 |<- 200 OK (BYE) ----------------------------------------------------|",
    ]


def test_each_peer_has_its_column_and_an_arrow_ends_at_it() -> None:
    other = "198.51.100.7:5080"
    drawn = Ladder([step(0, INVITE), step(1, INVITE, peer=other), step(2, OK, sent=False)]).text()
    first, second, third = drawn[2:]
    column, last = first.index(">|") + 1, second.index(">|") + 1
    assert column < last
    assert first[last] == second[last] == third[last] == "|"
    assert third[column] == "|"
    assert drawn[1].rstrip().endswith(f"{other} UDP")


def test_peers_without_room_share_the_last_column_and_are_named() -> None:
    steps = [step(n, INVITE, peer=f"198.51.100.{n}:5060") for n in range(6)]
    drawn = Ladder(steps).text()
    assert drawn[1].endswith("4 more")
    assert "198.51.100.5:5060 INVITE" in drawn[-1]
    assert "198.51.100.1:5060 INVITE" not in "".join(drawn[2:])


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**6),
            st.booleans(),
            st.sampled_from(["a:1", "192.0.2.2:5060", "[2001:db8::ffff:1]:50600", "b:2"]),
            st.sampled_from([INVITE, OK, BYE_OK, b"", b"\x1b[31mred", b"SIP/2.0 999 \x07\x1b]0;x"]),
        ),
        min_size=1,
    ),
    st.integers(60, 200),
)
def test_no_line_is_wider_than_the_terminal_or_harms_it(rows, width) -> None:
    steps = [step(at, data, sent=sent, peer=peer) for at, sent, peer, data in sorted(rows)]
    for line in Ladder(steps, width).text():
        assert len(line) <= width
        assert line.isprintable()


def test_what_is_repeated_later_is_folded_into_the_first() -> None:
    folded = rungs([step(0, INVITE), step(1, OK, sent=False), step(2, INVITE), step(3, BYE)])
    assert [(title(r.step.data), r.times, r.last_ns // S) for r in folded] == [
        ("INVITE", 2, 2), ("200 OK", 1, 1), ("BYE", 1, 3),
    ]  # fmt: skip


def test_the_same_message_to_another_peer_or_the_other_way_is_another() -> None:
    steps = [step(0, INVITE), step(1, INVITE, peer="x:1"), step(2, INVITE, sent=False)]
    assert len(rungs(steps)) == 3


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (INVITE, "INVITE"),
        (message(Authorization="Digest response=x"), "OPTIONS (Digest)"),
        (message(Proxy_Authorization="***"), "OPTIONS (Digest)"),
        (message(Authorization="Basic x"), "OPTIONS"),
        (OK, "200 OK"),
        (BYE_OK, "200 OK (BYE)"),
        (message("SIP/2.0 486 Bận máy".encode().decode("latin-1")), "486 Bận máy"),
        (message("SIP/2.0 487 "), "487"),
        (b"\r\n\r\n", "not SIP"),
        (b"junk", "not SIP"),
    ],
)
def test_titles(data: bytes, expected: str) -> None:
    assert title(data) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"c=IN IP4 1.2.3.4\r\nm=audio 99 RTP/AVP 8 0 18\r\n", "1.2.3.4:99 PCMA,PCMU,G729"),
        (b"c=IN IP6 2001:db8::1\r\nm=audio 99 RTP/SAVP 0\r\n", "[2001:db8::1]:99 SRTP PCMU"),
        (b"c=IN IP4 h\r\nm=audio 9 RTP/AVP 0\r\na=sendonly\r\n", "h:9 PCMU sendonly"),
        (b"m=audio 9 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n", "?:9 opus"),
        (b"m=audio 9 RTP/AVP 77\r\n", "?:9 77"),
        (b"Signal=5\r\n", ""),
    ],
)
def test_descriptions(body: bytes, expected: str) -> None:
    assert description(b"INVITE sip:a@b SIP/2.0\r\n\r\n" + body) == expected
