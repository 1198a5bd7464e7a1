"""Whole descriptions: read tolerantly and within limits, written so that no line can break."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import sdp
from sip.limits import SDP_CRYPTO_MAX, SDP_FORMATS_MAX, SDP_LINES_MAX, SDP_MAX, SDP_MEDIA_MAX
from sip.sdp import agree
from sip.sdp.crypto import SUITES
from sip.sdp.model import MIRROR, STATIC, Codec, Crypto, Description, Origin, Stream

KEY = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"  # RFC 4568 section 6.1
RICH = f"""v=0\r
o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r
s=SDP Seminar\r
i=A Seminar\r
c=IN IP6 2001:DB8::1\r
b=AS:128\r
t=2873397496 2873404696\r
a=recvonly\r
a=tool:x\r
m=audio 49170/2 RTP/AVP 96 0 8 101 102 9\r
c=IN IP4 media.Example.com\r
b=TIAS:64000\r
a=rtpmap:96 opus/48000/2\r
a=fmtp:96 useinbandfec=1\r
a=rtpmap:101 telephone-event/48000\r
a=rtpmap:102 Telephone-Event/8000\r
a=fmtp:102 0-16\r
a=ptime:20\r
a=maxptime:150\r
a=rtcp:53020 IN IP4 126.16.64.4\r
a=rtcp-mux\r
a=sendrecv\r
a=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r
a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}|2^20|1:4\r
m=video 51372 RTP/AVP 99\r
a=rtpmap:99 h263-1998/90000\r
""".encode()


def body(*lines: str) -> bytes:
    return "\r\n".join(["v=0", "o=- 1 1 IN IP4 192.0.2.9", "s=-", *lines, ""]).encode()


def audio(*lines: str, session: str = "c=IN IP4 192.0.2.9") -> bytes:
    return body(session, "t=0 0", "m=audio 4000 RTP/AVP 0 8 101", *lines)


def test_everything_of_a_rich_description():
    said = sdp.read(RICH)
    assert said.origin == Origin("jdoe", 2890844526, 2890842807, "10.47.16.5")
    assert (said.host, said.direction) == ("2001:db8::1", "recvonly")
    assert said.bandwidth == (("AS", 128),)
    assert said.attributes == (("tool", "x"),)
    voice, video = said.streams
    assert (voice.kind, voice.port, voice.proto) == ("audio", 49170, "RTP/AVP")
    assert voice.host == "media.example.com"
    assert voice.codecs == (
        Codec(96, "OPUS", 48000, 2, "useinbandfec=1"),
        STATIC[0],
        STATIC[8],
        Codec(101, "TELEPHONE-EVENT", 48000),
        Codec(102, "TELEPHONE-EVENT", 8000, 1, "0-16"),
        STATIC[9],
    )
    assert (voice.ptime, voice.maxptime, voice.direction) == (20, 150, "sendrecv")
    assert (voice.rtcp_host, voice.rtcp_port, voice.rtcp_mux) == ("126.16.64.4", 53020, True)
    assert voice.bandwidth == (("TIAS", 64000),)
    assert [name for name, _ in voice.attributes] == ["candidate"]
    assert [(c.tag, c.suite, c.mki, c.mki_bytes, c.lifetime) for c in voice.crypto] == [
        (1, "AES_CM_128_HMAC_SHA1_80", 1, 4, 1 << 20)
    ]
    assert (video.kind, video.codecs[0].name) == ("video", "H263-1998")


def test_the_clock_of_events_is_the_codecs_clock():
    media = sdp.parse(RICH)
    assert (media.payload_type, media.event_type, media.event_clock) == (0, 102, 8000)
    assert media.host == "media.example.com"
    assert media.rtcp == ("126.16.64.4", 53020)
    stream = sdp.read(RICH).streams[0]
    found = agree.events(stream, 48000)
    assert found is not None
    assert found.payload_type == 101
    assert agree.events(stream, 16000) is None
    only = audio("a=rtpmap:101 telephone-event/16000")
    assert sdp.parse(only).event_type is None


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("c=IN IP4 192.0.2.1", "192.0.2.1"),
        ("c=IN IP4 192.0.2.1/127/3", "192.0.2.1"),
        ("c=IN IP6 2001:DB8:0::1", "2001:db8::1"),
        ("c=IN IP6 ff15::101/3", "ff15::101"),
        ("c=IN IP6 ::ffff:192.0.2.1", "::ffff:c000:201"),
        ("c=IN IP4 gw-1.example.com", "gw-1.example.com"),
        ("c=IN IP4 gw_1.example.com.", "gw_1.example.com."),
        ("c=in ip4 192.0.2.1", "192.0.2.1"),
    ],
)
def test_hosts(line: str, host: str):
    assert sdp.parse(audio(session=line)).host == host


@pytest.mark.parametrize(
    "line",
    [
        "c=IN IP4 192.0.2.256",
        "c=IN IP4 01.2.3.4",
        "c=IN IP4 1.2.3",
        "c=IN IP4 \u0661.2.3.4",
        "c=IN IP6 ::1::2",
        "c=IN IP4 -x.example",
        "c=IN IP4 a..b",
        f"c=IN IP4 {'a' * 64}.example",
        f"c=IN IP4 {'a.' * 140}",
        "c=ATM NSAP 47",
        "c=IN IP4",
        "c=",
    ],
)
def test_what_names_no_host_is_passed_over(line: str):
    with pytest.raises(ValueError, match="no connection address"):
        sdp.parse(audio(session=line))
    assert sdp.parse(audio("c=IN IP4 192.0.2.4", session=line)).host == "192.0.2.4"


@pytest.mark.parametrize(
    ("lines", "direction", "listens"),
    [
        ([], "sendrecv", True),
        (["a=sendonly"], "sendonly", False),
        (["a=recvonly"], "recvonly", True),
        (["a=inactive"], "inactive", False),
        (["c=IN IP4 0.0.0.0"], "inactive", False),
        (["c=IN IP6 ::"], "inactive", False),
        (["c=IN IP4 x.invalid"], "inactive", False),
        (["c=IN IP4 0.0.0.0", "a=sendrecv"], "inactive", False),
    ],
)
def test_the_forms_of_hold(lines: list[str], direction: str, listens: bool):
    media = sdp.parse(audio(*lines))
    assert (media.direction, media.listens) == (direction, listens)


@pytest.mark.parametrize(
    "line",
    [
        "a=rtpmap:101 telephone-event",
        "a=rtpmap:999 telephone-event/8000",
        "a=rtpmap:101 telephone-event/x",
        "a=rtpmap:",
        "a=rtpmap:101 telephone-event/8000/0x1",
        "a=fmtp:x",
        "a=rtcp:99999",
        "a=rtcp:x IN IP4 1.2.3.4",
        "a=ptime:twenty",
        "a=ptime:-1",
        "a=crypto:1 NULL inline:AAAA",
        "a=",
        "a=:",
        "b=AS",
        "b=AS:-1",
        "x=?",
        "",
        "z",
        "a=unknown:\x01\x02",
        "k=clear:x",
    ],
)
def test_broken_lines_that_do_not_matter(line: str):
    media = sdp.parse(audio(line))
    assert media == sdp.Media("192.0.2.9", 4000, 0, None, "sendrecv", 20, "PCMU")


def test_packet_lengths():
    assert sdp.parse(audio("a=ptime:30.0")).ptime == 30
    assert sdp.parse(audio("a=ptime:5")).ptime == 20
    assert sdp.parse(audio("a=ptime:40", "a=ptime:10")).ptime == 40


def test_line_feeds_alone_and_a_byte_that_is_no_utf8():
    text = RICH.replace(b"\r\n", b"\n").replace(b"A Seminar", b"\xff\xfe")
    assert sdp.read(text).streams == sdp.read(RICH).streams


def test_payload_types_count_once_and_unknown_ones_not_at_all():
    said = sdp.read(body("m=audio 4 RTP/AVP 0 0 128 99999 x 77 8 008"))
    assert said.streams[0].codecs == (STATIC[0], STATIC[8])
    assert said.streams[0].formats == ("0", "0", "128", "99999", "x", "77", "8", "008")


def test_the_limits():
    head = "c=IN IP4 192.0.2.9"
    ports = " ".join(str(n) for n in range(SDP_FORMATS_MAX))
    assert len(sdp.read(body(head, f"m=audio 4 RTP/AVP {ports}")).streams[0].formats) == 64
    media = ["m=audio 0 RTP/AVP 0"] * SDP_MEDIA_MAX
    assert len(sdp.read(body(*media)).streams) == SDP_MEDIA_MAX
    keys = [f"a=crypto:{i} AES_CM_128_HMAC_SHA1_80 {KEY}" for i in range(40)]
    assert len(sdp.read(audio(*keys)).streams[0].crypto) == SDP_CRYPTO_MAX
    for beyond in (
        body(head, f"m=audio 4 RTP/AVP {ports} 99"),
        body(*media, "m=audio 0 RTP/AVP 0"),
        body(*["a=x"] * SDP_LINES_MAX),
        body("a=" + "x" * SDP_MAX),
    ):
        with pytest.raises(ValueError, match="too"):
            sdp.read(beyond)


def test_several_streams_and_profiles():
    two = body(
        "c=IN IP4 192.0.2.9",
        "m=audio 0 RTP/AVP 0",
        "m=image 5000 udptl t38",
        "m=audio 4000 UDP/TLS/RTP/SAVPF 0",
        "m=audio 4002 RTP/AVPF 8",
    )
    assert sdp.parse(two).port == 4002
    answer = sdp.answer(two, "2001:db8::7", 30_000, session_id=3)
    assert [x for x in answer.decode().split("\r\n") if x.startswith(("m=", "c="))] == [
        "c=IN IP6 2001:db8::7",
        "m=audio 0 RTP/AVP 0",
        "m=image 0 udptl t38",
        "m=audio 0 UDP/TLS/RTP/SAVPF 0",
        "m=audio 30000 RTP/AVPF 8",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": (("x", "y\r\na=sendonly"),)},
        {"attributes": (("x\n", ""),)},
        {"attributes": (("x", "\0"),)},
        {"kind": "audio\r\nm=video"},
        {"proto": "RTP/AVP\n"},
        {"formats": ("0\r",)},
        {"formats": ()},
        {"host": "1.2.3.4\r\n"},
        {"host": "no host"},
        {"port": 65_536},
        {"port": -1},
        {"codecs": (Codec(0, "PC\nMU", 8000),)},
        {"codecs": (Codec(0, "PCMU", 8000, 1, "x\ry"),)},
        {"bandwidth": (("A\n", 1),)},
        {"rtcp_port": 5, "rtcp_host": "x\n"},
        {"crypto": (Crypto(1, "AES\n", b"x"),)},
        {"crypto": (Crypto(1, "AES_CM_128_HMAC_SHA1_80", b"x" * 29),)},
    ],
)
def test_the_writer_refuses_what_would_break_a_line(change: dict[str, object]):
    values: dict[str, object] = {"kind": "audio", "port": 4, "proto": "RTP/AVP", "formats": ("0",)}
    stream = Stream(**(values | change))
    with pytest.raises(ValueError, match=r".+"):
        sdp.write(Description(Origin(host="192.0.2.1"), streams=(stream,)))


@pytest.mark.parametrize("origin", [Origin("a\r\nb", 1, 1, "192.0.2.1"), Origin(host="")])
def test_the_writer_refuses_a_broken_origin(origin: Origin):
    with pytest.raises(ValueError, match=r".+"):
        sdp.write(Description(origin))


# What is written reads back.

TOKENS = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.from_regex(r"[a-z][a-z0-9]{0,9}(\.[a-z0-9]{1,9}){0,3}", fullmatch=True),
)
WORDS = st.from_regex(r"[!-~]([ -~]{0,30}[!-~])?", fullmatch=True)
NUMBERS = st.integers(0, 2**31)
DIRECTIONS = st.none() | st.sampled_from(list(MIRROR))
KEYS = st.sampled_from(list(SUITES)).flatmap(
    lambda suite: st.builds(
        Crypto,
        st.integers(0, 999_999_999),
        st.just(suite),
        st.binary(min_size=sum(SUITES[suite]), max_size=sum(SUITES[suite])),
        mki=st.integers(0, 255),
        mki_bytes=st.integers(1, 4),
        lifetime=st.integers(0, 2**48),
    )
)
OTHER = st.tuples(TOKENS.filter(lambda n: n not in MIRROR and n != "rtcp-mux"), WORDS | st.just(""))
CODECS = st.lists(
    st.builds(
        Codec,
        st.integers(0, 127),
        st.from_regex(r"[A-Z][A-Z0-9-]{0,12}", fullmatch=True),
        st.integers(1, 192_000),
        st.integers(1, 8),
        st.just("") | WORDS,
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda c: c.payload_type,
)


def _stream(codecs: list[Codec]) -> st.SearchStrategy[Stream]:
    return st.builds(
        Stream,
        kind=TOKENS,
        port=st.integers(0, 65_535),
        proto=st.sampled_from(["RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVPF", "udptl"]),
        formats=st.just(tuple(str(c.payload_type) for c in codecs)),
        host=st.just("") | HOSTS,
        codecs=st.just(tuple(codecs)),
        direction=DIRECTIONS,
        ptime=st.integers(0, 99_999),
        maxptime=st.integers(0, 99_999),
        rtcp_port=st.integers(1, 65_535),
        rtcp_host=st.just("") | HOSTS,
        rtcp_mux=st.booleans(),
        crypto=st.lists(KEYS, max_size=3).map(tuple),
        bandwidth=st.lists(st.tuples(TOKENS, NUMBERS), max_size=2).map(tuple),
        attributes=st.lists(OTHER, max_size=4).map(tuple),
    )


DESCRIPTIONS = st.builds(
    Description,
    st.builds(Origin, WORDS.map(lambda w: w.replace(" ", "")), NUMBERS, NUMBERS, HOSTS),
    st.just("") | HOSTS,
    DIRECTIONS,
    st.lists(CODECS.flatmap(_stream), max_size=4).map(tuple),
    st.lists(st.tuples(TOKENS, NUMBERS), max_size=2).map(tuple),
    st.lists(OTHER, max_size=4).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(DESCRIPTIONS)
def test_what_is_written_reads_back(said: Description):
    assert sdp.read(sdp.write(said)) == said


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_no_value_carries_a_line_out_of_the_writer(name: str, value: str, kind: str):
    stream = Stream(kind, 4, "RTP/AVP", ("0",), attributes=((name, value),))
    try:
        text = sdp.write(Description(Origin(host="192.0.2.1"), streams=(stream,)))
    except ValueError:
        return
    assert text.count(b"\r\n") == text.count(b"\r") == text.count(b"\n") == 6
    assert b"\0" not in text


LINES = RICH.decode().split("\r\n")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_descriptions_are_read_or_refused(data: st.DataObject):
    """Lines lost, doubled, swapped, cut and spliced with anything: ValueError or values."""
    lines = data.draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=40))
    at = data.draw(st.integers(0, len(lines) - 1))
    cut = data.draw(st.integers(0, 60))
    lines[at] = lines[at][:cut] + data.draw(st.text(max_size=20)) + lines[at][cut + 1 :]
    text = ("v=0\r\n" + "\r\n".join(lines)).encode("utf-8", "replace")
    try:
        said = sdp.read(text)
        answer = sdp.answer(text, "192.0.2.1", 4, session_id=1)
    except ValueError:
        return
    back = sdp.read(answer)
    assert len(back.streams) == len(said.streams)
    assert [s.kind for s in back.streams] == [s.kind for s in said.streams]
    assert sum(s.port != 0 for s in back.streams) == 1


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(junk: bytes):
    for text in (junk, b"v=0\r\n" + junk, RICH[:-20] + junk):
        try:
            said = sdp.read(text)
        except ValueError:
            continue
        assert len(said.streams) <= SDP_MEDIA_MAX
