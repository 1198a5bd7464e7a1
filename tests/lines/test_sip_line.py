"""Dial effects become INVITEs; SIP events become line events, exactly one Released per leg."""

import random
import tomllib
from pathlib import Path

import pytest

from dialerd.config import NumberFormat
from dialerd.core.effects import Dial
from dialerd.core.events import Answered, Released, Ringing
from dialerd.core.line_spec import Trouble
from dialerd.core.numbering import load_numbering
from dialerd.core.records import Outcome
from dialerd.lines.sip_line import SipLines, SipTrunk
from sip import sdp
from sip.events import Accepted, Ended, Provisional, Trying

PLAN = tomllib.loads(Path("conf/numbering/vn.toml").read_text(encoding="utf-8"))
NUMBER = load_numbering(PLAN).number("0912 345 678")
OFFER = sdp.offer("127.0.0.1", 20000, session_id=1)


def lines(**trunk):
    spec = SipTrunk(name="t", host="127.0.0.9", port=5070, **trunk)
    return SipLines({"t": spec}, "192.0.2.1", random.Random(1))


def dial(leg=7, trunk="t", caller_id=""):
    return Dial(call=1, leg=leg, trunk=trunk, number=NUMBER, call_id="a@b", caller_id=caller_id)


def test_the_invite_names_the_number_the_trunk_and_our_media():
    invite = lines().invite(dial(), "127.0.0.1", 20002)
    assert invite.request_uri == "sip:+84912345678@127.0.0.9:5070"
    assert invite.targets == (("127.0.0.9", 5070, 0),)
    assert invite.call_id == "a@b"
    assert sdp.parse(invite.sdp).port == 20002


@pytest.mark.parametrize("mux", [False, True])
def test_a_trunk_may_be_offered_rtcp_on_the_port_of_rtp(mux):
    invite = lines(rtcp_mux=mux).invite(dial(), "127.0.0.1", 20002)
    assert sdp.parse(invite.sdp).rtcp_mux == mux


@pytest.mark.parametrize(
    ("form", "user"),
    list(zip(NumberFormat, ["+84912345678", "84912345678", "0912345678"], strict=True)),
)
def test_trunks_want_numbers_in_their_own_form(form, user):
    invite = lines(number_format=form.value).invite(dial(), "127.0.0.1", 20002)
    assert invite.request_uri.startswith(f"sip:{user}@")


def test_the_caller_id_goes_to_the_identity_header_where_from_is_the_account():
    invite = lines(from_user="acc1", from_domain="carrier.vn").invite(
        dial(caller_id="+842871000000"), "127.0.0.1", 20002
    )
    assert invite.from_uri == "sip:acc1@carrier.vn"
    assert invite.headers == (("P-Asserted-Identity", "<sip:+842871000000@carrier.vn>"),)


@pytest.mark.parametrize("evil", ["a\r\nRoute: <sip:x>", 'x" <sip:y>', "", "a b", "a@b", "é"])
def test_a_caller_id_never_breaks_out_of_its_field(evil):
    invite = lines().invite(dial(caller_id=evil), "127.0.0.1", 20002)
    assert "\r" not in invite.from_uri
    assert invite.from_uri == "sip:anonymous@192.0.2.1"


def test_an_unknown_trunk_is_refused_and_may_advance():
    line = lines()
    with pytest.raises(KeyError):
        line.invite(dial(trunk="gone"), "127.0.0.1", 20002)
    released = line.refused(7)
    assert released.outcome is Outcome.FAILED
    assert released.advance
    assert len(line) == 0


def test_a_whole_call_is_told_once_per_step():
    line = lines()
    line.invite(dial(), "127.0.0.1", 20002)
    told = [
        line.translate(event)
        for event in (
            Trying(7),
            Provisional(7, 180, None),
            Provisional(7, 180, None),
            Provisional(7, 183, OFFER),
            Provisional(7, 183, OFFER),
            Accepted(7, OFFER),
            Accepted(7, OFFER),
            Provisional(7, 180, None),
            Ended(7, 200, "OK", 16, "them", answered=True),
            Ended(7, 200, "OK", 16, "them", answered=True),
        )
    ]
    assert [t for t in told if t is not None] == [
        Ringing(7),
        Ringing(7, early_media=True),
        Answered(7),
        Released(7, Outcome.ANSWERED, code=200, q850=16, by="them"),
    ]
    assert len(line) == 0


def test_congestion_before_ringing_advances_and_after_it_does_not():
    line = lines()
    line.invite(dial(1), "127.0.0.1", 20002)
    line.invite(dial(2), "127.0.0.1", 20004)
    line.translate(Provisional(2, 180, None))
    first = line.translate(Ended(1, 503, "No circuit", 34, "them", answered=False))
    second = line.translate(Ended(2, 503, "No circuit", 34, "them", answered=False))
    assert first == Released(
        1, Outcome.FAILED, code=503, q850=34, advance=True, trouble=Trouble.FULL
    )
    assert second == Released(2, Outcome.FAILED, code=503, q850=34, trouble=Trouble.NONE)


def test_what_we_hung_up_never_advances():
    line = lines()
    line.invite(dial(1), "127.0.0.1", 20002)
    released = line.translate(Ended(1, 0, "", 0, "us", answered=False))
    assert released == Released(1, Outcome.FAILED, by="us", trouble=Trouble.NONE)


def test_events_of_unknown_legs_mean_nothing():
    assert lines().translate(Ended(99, 486, "Busy", 17, "them", answered=False)) is None
