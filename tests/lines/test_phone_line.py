"""What an INVITE to a telephone of ours says."""

from __future__ import annotations

from dialerd.lines.phone_line import phone_invite
from sip.accounts.saved import Reached


def test_a_telephone_is_called_where_it_registered_and_by_its_path():
    routes = ("<sip:edge.example;lr>", "<sip:inner;lr>")
    phone = Reached("sip:101@10.0.0.9:5062", ("198.51.100.5", 5064, 2), routes, 1_000)
    made = phone_invite(
        phone,
        leg=7,
        user="101#",
        caller="+84912000000",
        call_id="c",
        sdp=b"v=0\r\n",
        local_host="2001:db8::1",
        display="A name",
    )
    assert (made.leg, made.call_id, made.sdp, made.display) == (7, "c", b"v=0\r\n", "A name")
    assert made.targets == (("198.51.100.5", 5064, 2),)
    assert made.request_uri == "sip:101@10.0.0.9:5062"
    assert made.to_uri == "sip:101%23@[2001:db8::1]"
    assert made.from_uri == "sip:+84912000000@[2001:db8::1]"
    assert made.routes == routes
