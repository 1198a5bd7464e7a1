"""Who calls: what is read from an INVITE, and what is written into ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpath.sipscan import scan
from sip.errors import SipError
from sip.messages import caller_identity as who
from sip.messages.address import NameAddr
from sip.messages.caller_identity import ANONYMOUS_URI, Caller, Diversion, History
from sip.messages.causes import Reason
from tests.sip.messages.test_sipscan import datagrams
from tests.sip.samples import message


def heard(raw: str = "", **lines: str) -> Caller:
    return who.read(scan(message("INVITE sip:1900@gw SIP/2.0", raw=raw or None, **lines)))


def test_the_from_alone():
    caller = heard(From='"An" <sip:0901234567@gw>;tag=x')
    assert (caller.number, caller.display, caller.withheld) == ("0901234567", "An", False)
    assert caller.from_ == NameAddr("sip:0901234567@gw", "An", (("tag", "x"),))
    assert (caller.asserted, caller.diverted, caller.history) == ((), (), ())


def test_the_account_in_from_and_the_caller_asserted():
    caller = heard(
        'P-Asserted-Identity: "Company" <sip:+842873001234@gw;user=phone>, <tel:+842873001234>\r\n'
        'P-Preferred-Identity: <sip:1@gw>\r\nP-Charging-Vector: icid-value=1\r\nP-Odd: ,;"\r\n',
        From="<sip:account77@gw>;tag=x",
    )
    assert (caller.number, caller.display) == ("+842873001234", "Company")
    assert [p.uri for p in caller.asserted] == [
        "sip:+842873001234@gw;user=phone",
        "tel:+842873001234",
    ]
    assert caller.preferred == (NameAddr("sip:1@gw"),)


@pytest.mark.parametrize(
    ("lines", "privacy", "withheld"),
    [
        ({"Privacy": "id"}, ("id",), True),
        ({"Privacy": "Header; user;critical"}, ("header", "user", "critical"), True),
        ({"Privacy": "none"}, ("none",), False),
        ({"Privacy": "session"}, ("session",), False),
        ({"From": f'"Anonymous" <{ANONYMOUS_URI}>;tag=x'}, (), True),
        ({"From": "<sip:Anonymous@gw>;tag=x"}, (), True),
        ({"From": "<sip:x@anonymous.invalid;a=b>;tag=x"}, (), True),
        ({"From": f"<{ANONYMOUS_URI}>;tag=x", "Privacy": "none"}, ("none",), False),
    ],
)
def test_privacy(lines: dict[str, str], privacy: tuple[str, ...], withheld: bool):
    caller = heard("P-Asserted-Identity: <tel:+8428>\r\n", **lines)
    assert (caller.privacy, caller.withheld, caller.number) == (privacy, withheld, "+8428")


def test_anonymous_without_an_assertion_has_no_number_and_no_name():
    caller = heard(From=f'"Anonymous" <{ANONYMOUS_URI}>;tag=x')
    assert (caller.number, caller.display) == ("", "")


def test_diversions():
    caller = heard(
        'Diversion: "Front, desk" <sip:+8428@gw>;reason=no-answer;counter=2;privacy="full"\r\n'
        "Diversion: <sip:bob@gw>;reason=unconditional;counter=x\r\n"
    )
    assert caller.diverted == (
        Diversion(NameAddr("sip:+8428@gw", "Front, desk"), "no-answer", 2, "full"),
        Diversion(NameAddr("sip:bob@gw"), "unconditional"),
    )
    assert [d.number for d in caller.diverted] == ["+8428", ""]


def test_history():
    caller = heard(
        "History-Info: "
        "<sip:+8428@gw?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%2C%20it%22>;index=1,"
        "<sip:bob@gw?Privacy=history&Reason=Q.850%3bcause%3d17>;index=1.1;rc=1\r\n"
    )
    assert caller.history == (
        History(NameAddr("sip:+8428@gw"), "1", (Reason("SIP", 302, "Moved, it"),)),
        History(
            NameAddr("sip:bob@gw", "", (("rc", "1"),)), "1.1", (Reason("Q.850", 17),), "history"
        ),
    )
    assert caller.history[0].number == "+8428"


def test_what_is_broken_is_left_out():
    caller = heard(
        'P-Asserted-Identity: <sip:1@gw, "x" <tel:+84>\r\nP-Asserted-Identity: <tel:+85>\r\n'
        "Diversion: <<\r\nHistory-Info: ,\r\nPrivacy: ;;\r\n"
    )
    assert [p.uri for p in caller.asserted] == ["tel:+85"]
    assert (caller.diverted, caller.history, caller.privacy) == ((), (), ())


def test_no_more_than_the_limit_are_read():
    many = ", ".join(f"<sip:{n}@gw>" for n in range(400))
    assert len(heard(f"Diversion: {many}\r\n").diverted) == 16


def test_written_and_read_back():
    steps = [
        History(NameAddr("sip:+8428@gw"), "1", (Reason("SIP", 302, 'a "b" \\ & c'),)),
        History(NameAddr("sip:+8429@gw", "Út", (("rc", "1"),)), "1.1", (), "history"),
    ]
    ways = [
        Diversion(NameAddr("tel:+8428", 'The "desk"'), "user-busy", 3, "off"),
        Diversion(NameAddr("sip:bob@gw"), "unknown"),
    ]
    pairs = [
        who.asserted("tel:+842873001234", "Công ty, A"),
        who.preferred("sip:+8428@gw;user=phone"),
        who.privacy("id", "critical"),
        who.diversion(ways),
        who.history(steps),
    ]
    caller = heard("".join(f"{n}: {v}\r\n" for n, v in pairs).encode().decode("latin-1"))
    assert caller.asserted == (NameAddr("tel:+842873001234", "Công ty, A"),)
    assert caller.preferred == (NameAddr("sip:+8428@gw;user=phone"),)
    assert caller.privacy == ("id", "critical")
    assert list(caller.diverted) == ways
    assert list(caller.history) == steps
    assert who.referred_by("sip:1900@gw") == ("Referred-By", "<sip:1900@gw>")


def test_what_cannot_be_written():
    for broken in (
        lambda: who.asserted("sip:a b@gw"),
        lambda: who.asserted("sip:a@gw", "a\r\nb"),
        lambda: who.asserted("sip:a@gw>, <sip:b@gw"),
        who.privacy,
        lambda: who.privacy("secret"),
        lambda: who.diversion([]),
        lambda: who.diversion([Diversion(NameAddr("sip:a@gw"), "a\nb")]),
        lambda: who.history([]),
        lambda: who.history([History(NameAddr("sip:a@gw?X=y"), "1")]),
        lambda: who.history([History(NameAddr("sip:a@gw"), "1;x")]),
        lambda: who.history([History(NameAddr("sip:a@gw", "", (("a b", "1"),)), "1")]),
        lambda: who.referred_by("nonsense"),
    ):
        with pytest.raises(SipError):
            broken()


WORDS = st.text(max_size=20) | st.sampled_from(
    ["\r\n", "a\r\nX: y", "\0", '"', "\\", ">", "?", "&"]
)


@given(WORDS, WORDS, WORDS, WORDS)
def test_no_identity_breaks_a_line(uri: str, display: str, reason: str, index: str):
    party = NameAddr(uri, display)
    there = NameAddr("sip:a@gw", display, ((reason, index),))
    for write in (
        lambda: who.asserted(uri, display),
        lambda: who.asserted("tel:+84", display),
        lambda: who.preferred(uri, display),
        lambda: who.referred_by(uri, display),
        lambda: who.privacy(reason),
        lambda: who.diversion([Diversion(party, reason)]),
        lambda: who.diversion([Diversion(there, reason, 2, index)]),
        lambda: who.history([History(party, index, (Reason(reason, 1, display),), index)]),
        lambda: who.history([History(there, "1", (Reason(reason, 1, display),), index)]),
    ):
        try:
            name, value = write()
        except SipError:
            continue
        assert not re.search(r"[\x00-\x1f\x7f]", value)
        assert scan(message("INVITE sip:1900@gw SIP/2.0", raw=f"{name}: x\r\n"))
        heard(f"{name}: {value}\r\n".encode().decode("latin-1"))


@given(datagrams())
def test_any_message_can_be_asked_who_calls(data: bytes):
    try:
        found = scan(data)
    except ValueError:
        return
    assert isinstance(who.read(found), Caller)
