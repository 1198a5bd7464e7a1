"""The offer/answer machine: two of ours against each other, and peers as they are."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import sdp
from sip.calls.negotiation import EVENTS, STATES, TABLE, Capabilities, Negotiation, NegotiationError

HERE, THERE = "192.0.2.1", "192.0.2.2"


def one(host: str = HERE, port: int = 30_000, session: int = 7, **can: object) -> Negotiation:
    return Negotiation(Capabilities(host, port, **can), session, random.Random(session))


def pair(ours: dict[str, object], theirs: dict[str, object]) -> tuple[Negotiation, Negotiation]:
    """A caller and a called side that agreed."""
    caller, called = one(**ours), one(THERE, 40_000, 9, **theirs)
    caller.answered(called.offered(caller.offer()))
    return caller, called


def media_lines(text: bytes) -> list[str]:
    return [x for x in text.decode().split("\r\n") if x.startswith("m=")]


def body(*lines: str, host: str = THERE) -> bytes:
    head = ["v=0", f"o=- 5 5 IN IP4 {THERE}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    return "\r\n".join([*head, *lines, ""]).encode()


def test_an_offer_and_its_answer():
    caller, called = pair({}, {})
    assert caller.result == sdp.Media(THERE, 40_000, 0, 101, "sendrecv", 20)
    assert called.result == sdp.Media(HERE, 30_000, 0, 101, "sendrecv", 20)
    assert (caller.state, called.state) == ("agreed", "answered")
    assert not caller.pending
    assert media_lines(called.text) == ["m=audio 40000 RTP/AVP 0 101"]
    assert sdp.identity(caller.text) == (7, 7)


def test_the_codec_is_the_offers_first_or_ours_by_policy():
    caller, called = pair({"codecs": (8, 0)}, {})
    assert caller.result is not None
    assert caller.result.law == "PCMA"
    caller, called = pair({"codecs": (8, 0)}, {"ours_first": True})
    assert caller.result is not None
    assert called.result is not None
    assert (caller.result.law, called.result.law) == ("PCMU", "PCMU")


def test_events_of_the_offers_number_stay_in_later_offers():
    called = one()
    offer = body("m=audio 4 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000")
    assert media_lines(called.offered(offer)) == ["m=audio 30000 RTP/AVP 8 96"]
    assert media_lines(called.offer()) == ["m=audio 30000 RTP/AVP 0 8 96"]
    assert media_lines(one(event_type=None).offered(offer)) == ["m=audio 30000 RTP/AVP 8"]


def test_hold_and_resume_and_the_version():
    caller, called = pair({}, {})
    held = caller.hold()
    assert b"a=sendonly" in held
    assert sdp.identity(held) == (7, 8)
    answer = called.offered(held)
    assert b"a=recvonly" in answer
    assert called.result is not None
    assert not called.result.listens
    caller.answered(answer)
    assert caller.result is not None
    assert caller.result.listens  # music may play
    resumed = caller.resume()
    assert sdp.identity(resumed) == (7, 9)
    assert resumed.replace(b" 9 IN", b" 7 IN") == one().offer()
    caller.answered(called.offered(resumed))
    assert caller.result.direction == "sendrecv"
    again = caller.offer()
    assert sdp.identity(again) == (7, 9)  # the same text is the same version
    assert again == resumed


def test_both_hold_and_each_resumes():
    caller, called = pair({}, {})
    caller.answered(called.offered(caller.hold()))
    offer = called.hold()
    assert b"a=inactive" in offer  # RFC 3264 8.4
    called.answered(caller.offered(offer))
    assert caller.result is not None
    assert caller.result.direction == "inactive"
    offer = caller.resume()
    caller.answered(called.offered(offer))
    assert caller.result.direction == "sendonly"  # they hold us still: their music may play
    called.answered(caller.offered(called.resume()))
    assert caller.result.direction == "sendrecv"


def test_hold_as_inactive():
    caller, called = pair({}, {})
    caller.answered(called.offered(caller.hold("inactive")))
    assert caller.result is not None
    assert caller.result.direction == "inactive"


@pytest.mark.parametrize(
    ("lines", "host", "answer"),
    [
        (["a=sendonly"], THERE, b"a=recvonly"),
        (["a=inactive"], THERE, b"a=inactive"),
        ([], "0.0.0.0", b"a=inactive"),
        ([], "held.invalid", b"a=inactive"),
    ],
)
def test_they_hold_us_in_every_form(lines: list[str], host: str, answer: bytes):
    caller, _ = pair({}, {})
    assert answer in caller.offered(body("m=audio 40000 RTP/AVP 0", *lines, host=host))
    assert caller.result is not None
    assert not caller.result.listens
    assert b"a=sendrecv" in caller.offered(body("m=audio 40000 RTP/AVP 0"))
    assert caller.result.listens


def test_an_answer_that_takes_more_than_we_gave():
    caller = one()
    caller.answered(one(THERE, 4, 9).offered(caller.offer()))
    caller.hold("inactive")
    media = caller.answered(body("m=audio 40000 RTP/AVP 0", "a=sendrecv"))
    assert media.direction == "inactive"


def test_another_address_port_and_codec_in_the_call():
    caller, _ = pair({}, {})
    offer = body("m=audio 41000 RTP/AVP 8", host="192.0.2.77")
    assert media_lines(caller.offered(offer)) == ["m=audio 30000 RTP/AVP 8"]
    assert caller.result == sdp.Media("192.0.2.77", 41_000, 8, None, "sendrecv", 20, "PCMA")
    assert sdp.identity(caller.text) == (7, 8)
    caller.offered(offer)
    assert sdp.identity(caller.text) == (7, 8)


def test_refused_streams_keep_their_places():
    called = one()
    offer = body(
        "m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 18 0", "m=application 6000 UDP/X 1"
    )
    assert media_lines(called.offered(offer)) == [
        "m=video 0 RTP/AVP 31",
        "m=audio 30000 RTP/AVP 0",
        "m=application 0 UDP/X 1",
    ]
    again = called.offer()
    assert media_lines(again) == [
        "m=video 0 RTP/AVP 31",
        "m=audio 30000 RTP/AVP 0 8 101",
        "m=application 0 UDP/X 1",
    ]
    called.answered(
        body("m=video 0 RTP/AVP 31", "m=audio 4004 RTP/AVP 8", "m=application 0 UDP/X 1")
    )
    assert called.result is not None
    assert (called.result.port, called.result.law) == (4004, "PCMA")


def test_an_answer_that_lost_a_place_is_understood():
    called = one()
    called.offered(body("m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0"))
    called.offer()
    assert called.answered(body("m=audio 4008 RTP/AVP 0")).port == 4008


def test_an_early_answer_and_the_final_one():
    caller = one()
    caller.offer()
    early = body("m=audio 4000 RTP/AVP 0")
    assert caller.answered(early) is caller.answered(early)
    assert caller.answered(body("m=audio 4002 RTP/AVP 8")).port == 4002


def test_a_delayed_offer_and_one_in_the_call():
    """INVITE without a description: theirs comes in the 200, and our answer goes into the ACK."""
    caller, called = one(), one(THERE, 40_000, 9)
    with pytest.raises(NegotiationError) as error:
        caller.answered(called.offer())
    assert error.value.code == 500
    called.answered(caller.offered(called.text))
    assert caller.result is not None
    assert called.result is not None
    assert caller.result.port == 40_000
    # a re-INVITE without one: what we have is offered again, and nothing changed
    before = caller.text
    offer = caller.offer()
    assert media_lines(offer) == ["m=audio 30000 RTP/AVP 0 8 101"]
    assert before != offer
    caller.answered(called.offered(offer))
    assert caller.offer() == offer


def test_one_offer_at_a_time():
    caller, called = pair({}, {})
    caller.hold()
    for wrong in (caller.offer, caller.hold, caller.resume, lambda: caller.offered(called.text)):
        with pytest.raises(NegotiationError) as error:
            wrong()
        assert error.value.code == 491
    assert caller.pending


def test_a_refused_offer_changes_nothing():
    caller, called = pair({}, {})
    held = caller.hold()
    caller.refused()
    assert caller.result is not None
    assert caller.result.direction == "sendrecv"
    assert b"a=sendrecv" in caller.offered(called.text)
    with pytest.raises(NegotiationError):
        caller.refused()
    with pytest.raises(NegotiationError):
        caller.answered(called.text)  # the withdrawn offer's answer, too late
    assert caller.hold() != held  # another version by now
    fresh = one()
    fresh.offer()
    fresh.refused()
    assert fresh.state == "new"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"v=0\r\n",
        body("m=audio 4000 RTP/AVP 18"),
        body("m=audio 0 RTP/AVP 0"),
        body("m=video 4000 RTP/AVP 0"),
        body("m=audio 4000 RTP/SAVP 0"),
        body("m=audio 4000 UDP/TLS/RTP/SAVPF 0"),
        body("m=audio 4000 RTP/AVP 0", host="not?a?host"),
    ],
)
def test_what_nobody_can_agree_on_is_488_and_the_old_holds(text: bytes):
    caller, _ = pair({}, {})
    before = caller.result, caller.text, caller.state
    with pytest.raises(NegotiationError) as error:
        caller.offered(text)
    assert error.value.code == 488
    assert (caller.result, caller.text, caller.state) == before
    caller.offer()
    with pytest.raises(NegotiationError) as error:
        caller.answered(text)
    assert error.value.code == 488
    assert caller.pending


@pytest.mark.parametrize(
    "can",
    [
        {"port": 0},
        {"port": 65_536},
        {"codecs": ()},
        {"codecs": (0, 9)},
        {"host": "gw.example.com"},
        {"host": "1.2.3.4\r\n"},
        {"srtp": "offered", "suites": ()},
        {"suites": ("NULL",)},
    ],
)
def test_capabilities_of_nonsense(can: dict[str, object]):
    with pytest.raises(ValueError, match=r".+"):
        one(**can)


def test_rtcp_on_the_port_of_rtp_when_both_say_so():
    """RFC 5761 section 5.1.1, in every pairing of who offers and who answers."""
    caller, called = pair({"rtcp_mux": True}, {})  # whoever answers takes it
    assert b"a=rtcp-mux\r\n" in caller.text
    assert b"a=rtcp-mux\r\n" in called.text
    assert caller.result is not None
    assert called.result is not None
    assert caller.result.rtcp_mux
    assert called.result.rtcp_mux
    caller.answered(called.offered(caller.hold()))
    assert caller.result.rtcp_mux, "later offers keep it"
    called.answered(caller.offered(called.offer()))
    assert called.result.rtcp_mux
    caller, called = pair({}, {"rtcp_mux": True})  # who was not offered it does not ask
    assert caller.result is not None
    assert not caller.result.rtcp_mux
    assert b"rtcp-mux" not in caller.text + called.text


def test_a_peer_without_rtcp_mux_is_not_asked_again():
    caller = one(rtcp_mux=True)
    assert b"a=rtcp-mux\r\n" in caller.offer()
    media = caller.answered(body("m=audio 40000 RTP/AVP 0"))
    assert not media.rtcp_mux
    assert media.rtcp == (THERE, 40_001)
    assert b"rtcp-mux" not in caller.offer()


def test_of_several_early_answers_each_may_take_rtcp_mux_or_not():
    caller = one(rtcp_mux=True)
    caller.offer()
    for lines, mux in (((), False), (("a=rtcp-mux",), True), ((), False)):
        assert caller.answered(body("m=audio 40000 RTP/AVP 0", *lines)).rtcp_mux == mux


def test_ipv6():
    caller, called = one("2001:DB8::1"), one("2001:db8::2", 40_000, 9)
    offer = caller.offer()
    assert b"o=dialerd 7 7 IN IP6 2001:db8::1\r\n" in offer
    assert b"c=IN IP6 2001:db8::1\r\n" in offer
    assert caller.answered(called.offered(offer)).host == "2001:db8::2"


def test_going_on_from_our_own_text():
    _, called = pair({}, {})
    text = called.text
    again = Negotiation.of(text, random.Random(1))
    assert media_lines(again.offered(body("m=audio 40000 RTP/AVP 8", "a=sendonly"))) == [
        "m=audio 40000 RTP/AVP 8"
    ]
    assert sdp.identity(again.text) == (9, 10)
    for wrong in (b"", b"v=0\r\n", body("m=audio 0 RTP/AVP 0")):
        with pytest.raises(ValueError, match=r".+"):
            Negotiation.of(wrong, random.Random(1))


# Anything, in any order.


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.booleans(), st.integers(0, 5)), max_size=25))
def test_two_machines_in_any_order_stay_in_the_table(steps: list[tuple[str, bool, int]]):
    """Every text either is accepted or refused with a code; versions never go back."""
    sides = [one(srtp="offered"), one(THERE, 40_000, 9, srtp="offered")]
    versions = [7, 9]
    for event, which, way in steps:
        side, other = sides[which], sides[not which]
        before = side.state
        try:
            match event:
                case "our offer":
                    [side.offer, side.hold, side.resume][way % 3]()
                case "their answer":
                    side.answered(other.text)
                case "their offer":
                    side.offered(other.text)
                case _:
                    side.refused()
        except NegotiationError as error:
            code = error.code
        else:
            code = 0
        if code:
            assert code in {488, 491, 500}
            assert side.state == before
            continue
        assert TABLE[STATES.index(before), EVENTS.index(event)] == STATES.index(side.state)
        version = sdp.identity(side.text)[1]
        assert version >= versions[which]
        versions[which] = version
        assert b"\n" not in side.text.replace(b"\r\n", b"")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 300), st.integers(0, 30))
def test_junk_is_refused_with_a_code(junk: bytes, at: int, cut: int):
    offer = one(THERE, 40_000, 9, srtp="offered").offer()
    spliced = offer[:at] + junk + offer[at + cut :]
    called = one(srtp="offered")
    code, answer = 0, offer
    try:
        answer = called.offered(spliced)
    except NegotiationError as error:
        code = error.code
    assert code in {0, 488}
    assert sdp.parse(answer).port == (40_000 if code else 30_000)
