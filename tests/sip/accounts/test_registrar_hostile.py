"""What telephones and strangers may send to a registrar: it never raises or grows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.limits import BINDINGS_MAX, SOURCES_MAX
from tests.sip.phone import DESK, REALM, Exchange, Telephone

VALUES = st.text(
    st.sampled_from(list('abz0189<>";:,=@ \\[]%?*/+-.\t\x00\x01\x7f\u00e9')), max_size=60
)
CONTACT = st.one_of(
    VALUES,
    st.sampled_from(
        [
            "*", "<sip:a@h>", "<sip:a@h>;expires=0", '"x" <sip:a@h;ob>;q=0.2;expires=99999999999',
            "<sip:[::1]:5060>;+sip.instance=\"<urn:uuid:1>\";reg-id=1", "sip:a@h;expires=-1",
            "<sips:a@h>, <sip:b@h>", "<sip:a@h>;q=", "<sip:%00@h>", "<sip:a%0d%0aX@h>",
        ]
    ),
)  # fmt: skip
LINES = st.lists(
    st.tuples(
        st.sampled_from(["Contact", "m", "Expires", "Path", "Require", "Supported", "X-Other"]),
        st.one_of(CONTACT, st.sampled_from(["0", "60", "path", "99999999999999999999999", "-5"])),
    ),
    max_size=5,
)


def check_sent(us: Exchange) -> None:
    for sent in us.sent:
        head = sent.data.partition(b"\r\n\r\n")[0]
        assert not re.search(rb"\0|\r(?!\n)|(?<!\r)\n", head)
        assert b"\nInjected" not in head
    us.sent.clear()


@settings(max_examples=400, deadline=None)
@given(LINES, st.sampled_from(["", f"<sip:1001@{REALM}>, <sip:b@h>", "<sip:>", "<tel:1001>", "x"]))
def test_any_register_of_a_user_is_answered_once(lines: list[tuple[str, str]], to: str):
    us = Exchange()
    phone = Telephone(us)
    assert phone.register().status == 200
    nonce = phone.nonce()
    extra = "".join(f"{name}: {value}\r\n" for name, value in lines)
    data = phone.said(nonce, extra=extra, contact="", to=to)
    us.receive(data, DESK)
    assert len(us.sent) <= 1
    check_sent(us)
    assert us.endpoint.registrar is not None
    for found in us.endpoint.registrar.lookup("1001"):
        assert found.target == DESK
        assert not re.search(r"[\x00-\x1f\x7f]", found.request_uri + "".join(found.routes))
    assert len(us.where()) <= BINDINGS_MAX
    us.endpoint.registrar.restore(us.endpoint.registrar.snapshot(us.now_ns), us.now_ns)
    us.run(4_000_000)
    assert us.where() == []
    assert us.empty()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["REGISTER", "INVITE", "OPTIONS", "BYE", "CANCEL", "ACK"]),
            st.sampled_from(
                [
                    "Authorization: Digest",
                    'Authorization: Digest realm="office.vn"',
                    'Authorization: Digest realm="office.vn", nonce="{nonce}"',
                    'Authorization: Digest username="1001", realm="office.vn", nonce="{nonce}", '
                    'uri="sip:office.vn", response="0", qop=auth, nc=00000001, cnonce="x"',
                    'Authorization: Digest username="1001", realm="office.vn", nonce="{nonce}", '
                    "uri=\"\", response=\"\u00e9\", algorithm=SHA-256-sess",
                    "Authorization: {text}",
                ]
            ),
            VALUES,
            st.integers(0, 3),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_strangers_with_any_credentials_get_challenges_or_silence(
    messages: list[tuple[str, str, str, int]],
):
    us = Exchange()
    nonce = Telephone(us, source=("203.0.113.1", 5060, 0)).nonce()
    us.sent.clear()
    for method, line, text, host in messages:
        source = (f"203.0.113.{host}", 5060, 0)
        safe = re.sub(r"[\x00-\x1f\x7f]", "", text)
        extra = line.format(nonce=nonce, text=safe) + "\r\n"
        us.receive(Telephone(us, source=source).data(method, extra=extra), source)
        us.run(50)
    for sent in us.sent:
        status = int(sent.data[8:11])
        assert status in {400, 401}
    check_sent(us)
    assert us.told() == [] or us.endpoint.statistics()["guesses"] >= 5
    assert us.where() == []
    us.run(64_000)
    assert us.empty()


def test_a_storm_of_strangers_leaves_nothing_behind():
    us = Exchange()
    for n in range(30_000):
        source = (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 5060, 0)
        us.receive(Telephone(us, name=str(n), source=source).data(), source)
        us.now_ns += 100_000
    sizes = us.endpoint.statistics()
    assert sizes["sources"] <= SOURCES_MAX
    assert sizes["throttled"] > 20_000
    assert len(us.sent) < 10_000
    assert us.empty()


def test_a_full_table_still_refreshes_those_that_are_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sip.accounts.registrar.PHONES_MAX", 1)
    us = Exchange()
    first = Telephone(us)
    assert first.register().status == 200
    second = Telephone(us, "1002", ("198.51.100.6", 5062, 0))
    refused = second.register()
    assert (refused.status, refused.retry_after) == (503, 10)
    assert first.register().status == 200
    assert first.register(0).status == 200
    assert second.register().status == 200


def test_a_register_keeps_nothing_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    us = Exchange()
    desk = Telephone(us)
    nonce = desk.nonce()
    monkeypatch.setattr("sip.transactions.serving.SERVER_TRANSACTIONS_MAX", 0)
    refused = us.answer(desk.said(nonce))
    assert (refused.status, refused.retry_after) == (503, 10)
    assert us.sizes()["server_others"] == 0
    assert us.where() == []
