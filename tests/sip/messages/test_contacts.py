"""Contact values of all kinds, and when two URIs are one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import SipError
from sip.limits import CONTACTS_MAX, EXPIRES_S_MAX
from sip.messages.contacts import contacts, elements, same_uri, seconds


def test_a_list_with_everything_that_stands_in_one():
    found = contacts(
        [
            '"Smith, J \\"x\\"" <sip:a@h;x=1>;q=0.5;expires=60, <sip:b@h?X=1>;Q=0',
            "sip:c@h;expires=7",
            '<sip:d@h>;+sip.instance="<urn:uuid:1,2;3>";reg-id=1;methods="INVITE, BYE"',
        ]
    )
    assert [c.uri for c in found] == ["sip:a@h;x=1", "sip:b@h?X=1", "sip:c@h", "sip:d@h"]
    assert [c.expires_s for c in found] == [60, -1, 7, -1]
    assert [c.q for c in found] == [500, 0, 1_000, 1_000]
    assert found[3].params["+sip.instance"] == "<urn:uuid:1,2;3>"
    assert found[3].params["reg-id"] == "1"


@pytest.mark.parametrize(
    ("q", "thousandths"),
    [("1", 1_000), ("0.5", 500), ("0.25", 250), ("1.000", 1_000), ("1.9", 1_000), ("0.", 0),
     ("x", 1_000), ("0.1234", 1_000)],
)  # fmt: skip
def test_q(q: str, thousandths: int):
    assert contacts([f"<sip:a@h>;q={q}"])[0].q == thousandths


def test_expiries_that_are_none_are_an_hour():
    assert [seconds(t) for t in ("60", " 7 ", "-1", "x", "", "1e3")] == [60, 7, *[3_600] * 4]
    assert seconds("9" * 20) == EXPIRES_S_MAX
    assert seconds("9" * 21) == 3_600
    assert contacts(["<sip:a@h>;expires"])[0].expires_s == 3_600


@pytest.mark.parametrize("value", ["<sip:a@h", "nothing", "<>", "a b <c", "\ud800"])
def test_what_is_no_contact(value: str):
    with pytest.raises(SipError):
        contacts([value])


def test_a_list_has_an_end():
    assert len(contacts(["<sip:a@h>," * CONTACTS_MAX])) == CONTACTS_MAX
    with pytest.raises(SipError):
        contacts(["<sip:a@h>"] * (CONTACTS_MAX + 1))


# RFC 3261 section 19.1.4's own examples, and the corners of its rules.
SAME = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
    ("sip:a@[2001:DB8::1]:5060", "sip:a@[2001:db8::1]:5060"),
]
OTHER = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com;x=1", "sip:bob@biloxi.com;x=2"),
    ("sip:bob@biloxi.com;user=phone", "sip:bob@biloxi.com"),
    ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
    ("sip:bob@biloxi.com", "sip:biloxi.com"),
    ("tel:1", "tel:2"),
    ("nonsense", "sip:a@h"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_uris_that_are_one(one: str, other: str):
    assert same_uri(one, other)
    assert same_uri(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_uris_that_differ(one: str, other: str):
    assert not same_uri(one, other)
    assert not same_uri(other, one)


@given(st.text('<>",;=ab \\:@sip', max_size=120))
def test_any_value_is_split_without_loss_of_text(value: str):
    kept = "".join(elements(value)).replace(" ", "").replace(",", "")
    assert kept == value.replace(" ", "").replace(",", "")


@given(st.text('<>",;=ab \\:@sip', max_size=120))
def test_any_value_is_contacts_or_an_error(value: str):
    try:
        found = contacts([value])
    except SipError:
        return
    for contact in found:
        assert contact.uri
        assert 0 <= contact.q <= 1_000
        assert -1 <= contact.expires_s <= EXPIRES_S_MAX
