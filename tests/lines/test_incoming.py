"""What a SIP call to us means for the core: number, caller, trust, diversion."""

from __future__ import annotations

import random

from dialerd.lines.rewriting import Rewrite
from dialerd.lines.sip_line import SipLines, SipTrunk
from sip.events import Incoming
from tests.sip.net import read
from tests.sip.samples import message

TRUNK = SipTrunk("gw", "192.0.2.2", 5060, incoming=(Rewrite("0", 1, "84"),))


def heard(trunk: str | None = "gw", user: str = "", called: str = "02873001234", **lines: str):
    start = f"INVITE sip:{called}@us SIP/2.0"
    said = {"From": "<sip:0912345678@gw>;tag=a", **lines}
    invite = read(message(start, **said))
    event = Incoming(-1, called, "0912345678", "c@h", b"", ("192.0.2.2", 5060, 0), invite, user)
    return SipLines({"gw": TRUNK}, "192.0.2.1", random.Random(1)).incoming(event, trunk)


def test_numbers_are_rewritten_as_the_trunk_tells_them() -> None:
    found = heard()
    assert (found.trunk, found.called, found.caller) == ("gw", "842873001234", "84912345678")
    assert (found.leg, found.call_id, found.asserted) == (-1, "c@h", False)


def test_an_asserted_identity_goes_before_from() -> None:
    found = heard(P_Asserted_Identity="<sip:+84988888888@gw>")
    assert (found.caller, found.asserted) == ("84988888888", True)


def test_nobody_is_believed_whose_trunk_is_not_known() -> None:
    found = heard(trunk=None, P_Asserted_Identity="<sip:+84988888888@gw>")
    assert (found.trunk, found.asserted) == ("", False)
    assert found.called == "02873001234"


def test_privacy_and_diversion_are_told() -> None:
    found = heard(
        Privacy="id", Diversion="<sip:+84901111111@gw>;reason=no-answer, <tel:+84902222222>"
    )
    assert found.withheld
    assert found.diverted == ("+84901111111", "+84902222222")


def test_a_telephone_is_who_it_registered_as() -> None:
    found = heard(trunk="gw", user="101")
    assert (found.phone, found.trunk, found.caller, found.asserted) == ("101", "", "101", True)


def test_what_is_no_number_stays_as_it_was_said() -> None:
    assert heard(called="reception").called == "reception"
