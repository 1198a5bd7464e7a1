"""Telephones that register with us, in virtual time: RFC 3261 section 10.3 step by step."""

from __future__ import annotations

import re

import msgspec
import pytest

from fastpath.sipscan import Message
from sip.accounts.digest_server import User
from sip.accounts.saved import Saved
from sip.errors import SipError
from sip.events import Incoming, Invite, Phone
from sip.limits import BINDINGS_MAX, PATH_MAX
from tests.sip.net import OFFER
from tests.sip.phone import DESK, REALM, SERVER, USERS, Exchange, Telephone, nonces

HOME = ("203.0.113.77", 40_000, 0)
TCP = ("203.0.113.77", 51_234, 1)


def listed(message: Message) -> dict[str, int]:
    """The contacts of a 200 with their expiries."""
    lines = [line.decode() for line in message.get_all("Contact")]
    return {m[1]: int(m[2]) for line in lines if (m := re.match(r"<(.*?)>;expires=(\d+)", line))}


def test_registered_where_it_came_from():
    us = Exchange()
    phone = Telephone(us)
    answer = phone.register(600)
    assert answer.status == 200
    assert listed(answer) == {"sip:1001@198.51.100.5:5062": 600}
    assert us.endpoint.registrar is not None
    [found] = us.endpoint.registrar.lookup("1001")
    assert (found.target, found.request_uri) == (DESK, "sip:1001@198.51.100.5:5062")
    [event] = us.facts(Phone)
    assert isinstance(event, Phone)
    assert (event.user, event.registered, event.left) == ("1001", True, 1)
    assert us.endpoint.registrar.lookup("1002") == []


def test_a_binding_ends_unless_it_is_refreshed():
    us = Exchange()
    phone = Telephone(us)
    phone.register(100)
    us.run(90_000)
    assert phone.register(100).status == 200
    us.run(90_000)
    assert us.where()
    us.run(11_000)
    assert us.where() == []
    assert [e.registered for e in us.facts(Phone) if isinstance(e, Phone)] == [True, False]
    us.run(40_000)
    assert us.empty()


def test_a_query_lists_and_changes_nothing():
    us = Exchange()
    phone = Telephone(us)
    phone.register(600)
    us.run(100_000)
    answer = phone.send(contact="")
    assert listed(answer) == {"sip:1001@198.51.100.5:5062": 500}


def test_several_contacts_in_the_order_of_q():
    us = Exchange()
    desk, home = Telephone(us), Telephone(us, source=HOME)
    desk.contact = "<sip:1001@desk>;q=0.3"
    home.contact = '"At home, upstairs" <sip:1001@home>;q=0.7, <sip:1001@lobby>;q=0.05;expires=60'
    desk.register()
    answer = home.register()
    assert us.where() == ["sip:1001@home", "sip:1001@desk", "sip:1001@lobby"]
    assert listed(answer) == {"sip:1001@desk": 600, "sip:1001@home": 600, "sip:1001@lobby": 60}
    assert [f.target for f in us.endpoint.registrar.lookup("1001")] == [HOME, DESK, HOME]  # type: ignore[union-attr]


def test_of_equals_the_last_registered_is_first():
    us = Exchange()
    for port in (5, 6, 7):
        Telephone(us, source=("198.51.100.5", port, 0)).register()
        us.run(1_000)
    assert [uri[-1] for uri in us.where()] == ["7", "6", "5"]


def test_taking_one_back_and_taking_all_back():
    us = Exchange()
    desk, home = Telephone(us), Telephone(us, source=HOME)
    desk.register()
    home.register()
    assert list(listed(home.register(0))) == ["sip:1001@198.51.100.5:5062"]
    home.register()
    assert listed(home.send(contact="*", extra="Expires: 0\r\n")) == {}
    assert us.where() == []


@pytest.mark.parametrize(
    ("contact", "extra"),
    [
        ("*", ""),
        ("*", "Expires: 60\r\n"),
        ("<tel:+8424>", ""),
        ("<mailto:a@h>", ""),
        ("<sip:a@h?Replaces=x>", ""),
        (", ".join(f"<sip:a@h{n}>" for n in range(40)), ""),
        ("<sip:a@h>", "Path: " + ", ".join(["<sip:p;lr>"] * (PATH_MAX + 1)) + "\r\n"),
        ("<sip:a@h>", "Path: <broken\r\n"),
    ],
)
def test_what_cannot_be_registered_is_400_and_changes_nothing(contact: str, extra: str):
    us = Exchange()
    phone = Telephone(us)
    phone.register()
    assert phone.send(contact=contact, extra=extra).status == 400
    assert us.where() == ["sip:1001@198.51.100.5:5062"]


def test_a_star_stands_alone():
    us = Exchange()
    phone = Telephone(us)
    phone.register()
    data = phone.data(contact="*\r\nContact: <sip:a@h>", extra="Expires: 0\r\n")
    assert us.answer(data).status == 400
    assert us.where()


def test_bounds_of_the_expiry():
    us = Exchange(expires_s_min=60, expires_s_max=1_000)
    phone = Telephone(us)
    answer = phone.register(59)
    assert answer.status == 423
    assert answer.get_all("Min-Expires") == [b"60"]
    assert us.where() == []
    assert list(listed(phone.register(5_000)).values()) == [1_000]
    assert list(listed(phone.send()).values()) == [1_000], "an hour when nothing is said"
    phone.contact += ";expires=77"
    assert list(listed(phone.register(300)).values()) == [77], "the contact's own comes first"
    assert list(listed(phone.send(contact=f"{phone.contact}x")).values()) == [1_000]


def test_several_changes_are_made_all_or_none():
    us = Exchange()
    phone = Telephone(us)
    contact = "<sip:1001@a>;expires=600, <sip:1001@b>;expires=5"
    assert phone.send(contact=contact).status == 423
    assert us.where() == []


def test_an_older_request_of_the_same_client_is_refused():
    us = Exchange()
    phone = Telephone(us)
    phone.register()
    phone.cseq -= 2
    nonce = phone.nonce()
    phone.cseq -= 1
    answer = us.answer(phone.said(nonce, extra="Expires: 0\r\n"))
    assert answer.status == 500
    assert us.where()
    other = Telephone(us)  # the same address by a client that has started anew
    assert other.register(0).status == 200
    assert us.where() == []


def test_a_repeated_request_gets_the_same_answer():
    us = Exchange()
    phone = Telephone(us)
    data = phone.said(phone.nonce())
    first = us.answer(data)
    assert us.answer(data).data == first.data
    assert first.status == 200


def test_the_same_instance_replaces_its_old_address():
    us = Exchange()
    phone = Telephone(us)
    instance = ';+sip.instance="<urn:uuid:1>";reg-id=1'
    phone.register(contact=f"<sip:1001@old>{instance}")
    phone.register(contact=f"<sip:1001@new>{instance}")
    assert us.where() == ["sip:1001@new"]
    phone.register(contact='<sip:1001@two>;+sip.instance="<urn:uuid:1>";reg-id=2')
    assert len(us.where()) == 2


def test_a_telephone_that_moves_is_told_and_called_there():
    us = Exchange()
    phone = Telephone(us)
    phone.register()
    phone.source = HOME
    phone.register()
    assert us.endpoint.registrar is not None
    [found] = us.endpoint.registrar.lookup("1001")
    assert found.target == HOME
    assert [e.source for e in us.facts(Phone) if isinstance(e, Phone)] == [DESK, HOME]


def test_one_user_has_a_limited_number_of_addresses():
    us = Exchange()
    for n in range(BINDINGS_MAX + 3):
        phone = Telephone(us, source=("198.51.100.5", 6_000 + n, 0))
        assert phone.register().status == 200
        us.run(1_000)
    ports = sorted(int(uri.rpartition(":")[2]) for uri in us.where())
    assert ports == [6_000 + n for n in range(3, BINDINGS_MAX + 3)], "the oldest made room"


def test_the_number_of_addresses_may_be_one():
    us = Exchange(contacts_max=1)
    for port in (6_000, 6_001):
        Telephone(us, source=("198.51.100.5", port, 0)).register()
    assert us.where() == ["sip:1001@198.51.100.5:6001"]


def test_nobody_registers_for_another():
    us = Exchange()
    phone = Telephone(us)
    assert phone.send(to=f"<sip:1002@{REALM}>").status == 403
    assert us.where("1002") == []


def test_domains_and_schemes():
    us = Exchange(domains=(REALM,))
    phone = Telephone(us)
    assert phone.register().status == 200
    assert phone.send(to="<sip:1001@elsewhere>").status == 404
    assert phone.send(to="<tel:1001>").status == 416


def test_path_comes_back_and_is_travelled():
    us = Exchange()
    phone = Telephone(us)
    answer = phone.send(extra="Path: <sip:edge1;lr>, <sip:edge2;lr>\r\nRequire: path\r\n")
    assert answer.get_all("Path") == [b"<sip:edge1;lr>", b"<sip:edge2;lr>"]
    assert us.endpoint.registrar is not None
    [found] = us.endpoint.registrar.lookup("1001")
    assert found.routes == ("<sip:edge1;lr>", "<sip:edge2;lr>")
    refused = phone.send(extra="Require: path, gruu\r\n")
    assert refused.status == 420
    assert refused.get_all("Unsupported") == [b"gruu"]


def test_a_telephone_is_called_by_the_flow_it_registered_on():
    us = Exchange()
    Telephone(us, source=TCP).register()
    assert us.endpoint.registrar is not None
    [found] = us.endpoint.registrar.lookup("1001")
    call = Invite(
        5, (found.target,), found.request_uri, "sip:9@office.vn", "sip:1001@office.vn", "c1", OFFER
    )
    us.sent.clear()
    us.endpoint.invite(call, us.now_ns)
    us.pump()
    assert us.sent[-1].target == TCP
    sent = us.last()
    assert sent.uri == b"sip:1001@203.0.113.77:51234"
    assert b"SIP/2.0/TCP" in sent.get_all("Via")[0]


def test_a_call_of_a_telephone_is_told_with_its_user():
    us = Exchange()
    phone = Telephone(us)
    nonce = phone.nonce(method="INVITE", body=OFFER)
    us.receive(phone.said(nonce, "INVITE", body=OFFER), DESK)
    [call] = us.facts(Incoming)
    assert isinstance(call, Incoming)
    assert (call.user, call.from_user, call.request_user) == ("1001", "1001", "9")


def test_a_telephone_calls_in_its_own_name_only():
    us = Exchange()
    phone = Telephone(us)
    nonce = phone.nonce(method="INVITE", body=OFFER)
    data = phone.said(nonce, "INVITE", body=OFFER)
    forged = data.replace(f"From: <sip:1001@{REALM}>".encode(), b"From: <sip:1900@office.vn>")
    assert us.answer(forged).status == 403
    assert us.facts(Incoming) == []


def test_the_trunks_side_is_no_registrar():
    us = Exchange()
    trunk = ("192.0.2.99", 5060, 2)
    assert us.answer(Telephone(us, source=trunk).data(), trunk).status == 405


def test_bindings_survive_a_restart_as_plain_data():
    us = Exchange()
    Telephone(us).register(600)
    Telephone(us, source=TCP).register(600)
    Telephone(us, name="1002", source=HOME).register(100)
    assert us.endpoint.registrar is not None
    us.run(10_000)
    text = msgspec.json.encode(us.endpoint.registrar.snapshot(us.now_ns))
    again = Exchange(seed=2)
    again.now_ns = 77
    assert again.endpoint.registrar is not None
    saved = msgspec.json.decode(text, type=list[Saved])
    again.endpoint.registrar.restore(saved, again.now_ns, passed_s=50)
    assert again.where("1001") == ["sip:1001@198.51.100.5:5062"], "a connection is not restored"
    assert again.where("1002") == ["sip:1002@203.0.113.77:40000"]
    again.run(45_000)
    assert again.where("1002") == []
    assert again.where("1001")
    again.endpoint.registrar.restore(
        [
            Saved("1001", "sip:x@h", ("h", 1, 9), 600, "c", 1),
            Saved("gone", "sip:x@h", SERVER, 600, "c", 1),
            Saved("1001", "sip:x@h", SERVER, 0, "c", 1),
        ],
        again.now_ns,
    )
    assert len(again.where("1001")) == 1


def test_a_restored_telephone_has_to_say_who_it_is_as_before():
    us = Exchange()
    phone = Telephone(us)
    phone.register(600)
    again = Exchange(seed=2)
    assert us.endpoint.registrar is not None
    assert again.endpoint.registrar is not None
    saved = us.endpoint.registrar.snapshot(us.now_ns)
    assert again.endpoint.registrar.restore(saved, again.now_ns) == 1
    phone.exchange = again
    assert again.answer(phone.data(), phone.source).status == 401
    assert again.answer(phone.data("INVITE", body=OFFER), phone.source).status == 401
    assert phone.register(600).status == 200
    assert len(again.where("1001")) == 1


def test_what_was_kept_and_cannot_be_called_is_not_restored():
    us = Exchange()
    registrar = us.endpoint.registrar
    assert registrar is not None
    good = ("198.51.100.5", 5062, 0)
    bad = [
        Saved("1001", "sip:x@h\r\nVia: y", good, 600, "c", 1),
        Saved("1001", "http://h", good, 600, "c", 1),
        Saved("1001", "sip:x@h", good, 600, "c", 1, path=("<sip:p\r\n;lr>",)),
        Saved("1001", "sip:x@h", ("224.0.0.1", 5062, 0), 600, "c", 1),
        Saved("1001", "sip:x@h", ("name", 5062, 0), 600, "c", 1),
        Saved("1001", "sip:x@h", ("198.51.100.5", 0, 0), 600, "c", 1),
        Saved("1001", "sip:x@h", ("198.51.100.5", 5062, 2), 600, "c", 1),  # the trunks' side
        Saved("1001", "sip:x@h", ("198.51.100.5", 5062, -1), 600, "c", 1),
        Saved("1001", "sip:x@h", good, -5, "c", 1),
    ]
    assert registrar.restore(bad, us.now_ns) == 0
    assert registrar.restore([Saved("1001", "sip:x@h", good, 600, "c", 1)], us.now_ns) == 1


def test_other_users_and_limits_hold_at_once():
    us = Exchange()
    registrar = us.endpoint.registrar
    assert registrar is not None
    phones = registrar.phones
    Telephone(us).register(600)
    Telephone(us, name="1002", source=HOME).register(600)
    seen = registrar.changes
    registrar.configure(phones)
    assert registrar.changes == seen
    stranger = {"1003": User("1003", USERS["1001"].ha1)}
    kept = {"1001": USERS["1001"]}
    registrar.configure(msgspec.structs.replace(phones, users=kept | stranger, contacts_max=1))
    assert us.where("1001") == ["sip:1001@198.51.100.5:5062"]
    assert us.where("1002") == []
    assert registrar.changes > seen
    assert Telephone(us, name="1002", source=HOME).register(600).status == 401
    Telephone(us, source=("198.51.100.5", 5070, 0)).register(600)
    assert len(us.where("1001")) == 1
    with pytest.raises(SipError):
        registrar.configure(msgspec.structs.replace(phones, expires_s_min=0))
    assert len(us.where("1001")) == 1
    changed = {"1001": User("1001", {"MD5": "0" * 32})}
    registrar.configure(msgspec.structs.replace(phones, users=changed))
    assert us.where("1001") == []
    registrar.configure(phones)
    assert Telephone(us).register(600).status == 200
    registrar.configure(msgspec.structs.replace(phones, realm="elsewhere"))
    assert us.where("1001") == []


def test_bounds_that_contradict_each_other():
    with pytest.raises(SipError):
        Exchange(expires_s_min=100, expires_s_max=50)


def test_what_not_every_user_has_is_not_offered():
    users = USERS | {"1003": User("1003", {"MD5": USERS["1001"].ha1["MD5"]})}
    us = Exchange(users=users)
    [challenge] = nonces(us.answer(Telephone(us).data()))
    assert challenge["algorithm"] == "MD5"
