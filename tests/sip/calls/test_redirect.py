"""3xx (RFC 3261 8.1.3.4): told, or followed as far as the caller allows."""

from __future__ import annotations

import pytest

from sip.accounts.auth import Credentials
from sip.errors import SipError
from sip.events import Accepted, Ended, Redirected
from tests.sip.net import ANSWER, Us, reply

TWO = 'Contact: <sip:b@192.0.2.21>;q=0.3, "A, or <B>" <sip:a@192.0.2.20:5070>;q=0.9\r\n'


def ends(us: Us) -> list[Ended]:
    return [e for e in us.told() if isinstance(e, Ended)]


def test_without_leave_the_places_are_told():
    us = Us()
    us.receive(reply(us.invite(), 302, extra=TWO))
    [end] = ends(us)
    assert (end.code, end.contacts) == (302, ("sip:a@192.0.2.20:5070", "sip:b@192.0.2.21"))
    assert us.last().method == "ACK"


def test_the_best_place_is_called():
    us = Us()
    sent = us.invite(redirects=1)
    us.take()
    us.receive(reply(sent, 302, extra=TWO))
    assert us.sent[-1].target == ("192.0.2.20", 5070, 0)
    ack, again = us.take()
    assert (ack.method, again.method) == ("ACK", "INVITE")
    assert again.uri == b"sip:a@192.0.2.20:5070"
    assert (again.call_id, again.from_tag, again.to_value, again.cseq, again.body) == (
        sent.call_id,
        sent.from_tag,
        sent.to_value,
        2,
        sent.body,
    )
    us.receive(reply(again, 200, body=ANSWER))
    assert us.told() == [Redirected(1, "sip:a@192.0.2.20:5070"), Accepted(1, ANSWER)]


def test_the_next_place_when_the_first_refuses():
    us = Us()
    us.receive(reply(us.invite(redirects=5), 300, extra=TWO))
    us.receive(reply(us.last(), 486))
    again = us.last()
    assert again.uri == b"sip:b@192.0.2.21"
    us.receive(reply(again, 486))
    assert [e.code for e in ends(us)] == [486]


def test_a_6xx_ends_the_search():
    us = Us()
    us.receive(reply(us.invite(redirects=5), 300, extra=TWO))
    us.receive(reply(us.last(), 603))
    assert [e.code for e in ends(us)] == [603]


def test_leave_is_counted():
    us = Us()
    us.receive(reply(us.invite(redirects=1), 302, extra=TWO))
    us.receive(reply(us.last(), 302, extra="Contact: <sip:c@192.0.2.22>\r\n"))
    [end] = ends(us)
    assert (end.code, end.contacts) == (302, ("sip:c@192.0.2.22",))


def test_places_do_not_go_round_in_a_circle():
    us = Us()
    sent = us.invite(redirects=8)
    for _ in range(3):
        us.receive(reply(sent, 302, extra="Contact: <sip:a@192.0.2.20>\r\n"))
        if us.last().method == "ACK":
            break
        sent = us.last()
    assert [e.code for e in ends(us)] == [302]
    assert us.endpoint.statistics()["sent"] == 4  # two INVITEs, two ACKs


@pytest.mark.parametrize(
    "contact",
    ["", "Contact: *\r\n", "Contact: <mailto:a@b>\r\n", "Contact: <tel:+84901>\r\n"],
)
def test_a_redirect_to_nowhere(contact: str):
    us = Us()
    us.receive(reply(us.invite(redirects=3), 302, extra=contact))
    [end] = ends(us)
    assert (end.code, end.contacts) == (302, ())


def test_headers_in_the_contact_are_not_taken_over():
    us = Us()
    extra = "Contact: <sip:a@192.0.2.20?Route=%3Csip:evil%3E>\r\n"
    us.receive(reply(us.invite(redirects=1), 302, extra=extra))
    assert us.last().uri == b"sip:a@192.0.2.20"


def test_the_new_place_may_challenge():
    us = Us()
    us.receive(reply(us.invite(redirects=1, credentials=Credentials("a", "b")), 302, extra=TWO))
    us.receive(reply(us.last(), 401, extra='WWW-Authenticate: Digest realm="r", nonce="n"\r\n'))
    again = us.last()
    assert (again.uri, again.cseq) == (b"sip:a@192.0.2.20:5070", 3)
    assert b'uri="sip:a@192.0.2.20:5070"' in again.get_all("Authorization")[0]


def test_giving_up_ends_the_search():
    us = Us()
    sent = us.invite(redirects=3)
    us.receive(reply(sent, 100))
    us.release()
    us.receive(reply(sent, 302, extra=TWO))
    assert [e.code for e in ends(us)] == [302]


def test_more_leave_than_nothing():
    us = Us()
    with pytest.raises(SipError):
        us.invite(redirects=-1)
