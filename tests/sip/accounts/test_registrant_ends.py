"""A registration of ours that is refused, taken back, changed, or learned behind a NAT."""

from __future__ import annotations

import random

import pytest

from sip.errors import SipError
from sip.events import Registration
from sip.limits import ACCOUNTS_MAX, DENIALS_MAX, DENIED_REST_S, SECOND
from tests.sip.accounts.ours import CONTACT, NONCE, SECOND_ONE, Ours, account
from tests.sip.net import THEM, Us, reply


def test_a_wrong_password_does_not_hammer():
    us = Ours()
    attempts = [0.0]
    for n in range(DENIALS_MAX + 2):
        us.answer(401, f"WWW-Authenticate: {NONCE.format(f'{n}a')}\r\n")
        us.answer(401, f"WWW-Authenticate: {NONCE.format(f'{n}b')}\r\n")
        assert us.state() == "refused"
        found = us.endpoint.registration("viettel")
        assert found is not None
        assert (found.code, found.reason) == (401, "Some Phrase")
        after_s, _ = us.next(5_000_000)
        assert abs(after_s - found.retry_s) <= 1
        attempts.append(after_s)
    assert all(after_s <= 250 for after_s in attempts[:DENIALS_MAX])
    assert all(after_s >= DENIED_REST_S - 1 for after_s in attempts[DENIALS_MAX:])


def test_the_unknown_account_is_refused():
    us = Ours()
    us.answer(404, phrase="Not Found")
    assert us.states() == [("trying", 0), ("refused", 404)]


def test_service_route_and_aliases_are_told():
    us = Ours()
    us.grant(
        60,
        "Service-Route: <sip:a;lr>, <sip:b;lr>\r\nService-Route: <sip:c;lr>\r\n"
        "P-Associated-URI: <sip:+8424@carrier.vn>, <tel:+8424>\r\n",
    )
    [_, last] = us.told()
    assert isinstance(last, Registration)
    assert last.service_route == ("<sip:a;lr>", "<sip:b;lr>", "<sip:c;lr>")
    assert last.aliases == ("<sip:+8424@carrier.vn>", "<tel:+8424>")


def test_stopping_takes_the_registration_back():
    us = Ours()
    us.grant()
    us.endpoint.unregister("viettel", us.now_ns)
    us.pump()
    sent = us.last()
    assert sent.expires == 0
    assert sent.get_all("Contact")[0].endswith(b";expires=0")
    us.answer(200)
    assert us.states() == [("trying", 0), ("registered", 200), ("off", 200)]
    us.run(1_000_000)
    assert us.empty()
    assert us.state() == "gone"
    us.endpoint.unregister("viettel", us.now_ns)
    assert us.pump() == []


def test_stopping_under_way_takes_back_what_is_granted_late():
    us = Ours()
    us.endpoint.unregister("viettel", us.now_ns)
    us.pump()
    assert us.last().expires == 600, "one REGISTER at a time (10.2)"
    us.grant()
    assert us.last().expires == 0
    us.answer(401, f"WWW-Authenticate: {NONCE.format('n')}\r\n")
    assert us.last().expires == 0
    us.answer(200)
    assert us.states() == [("trying", 0), ("off", 200)]


def test_stopping_when_nobody_answers_is_off_all_the_same():
    us = Ours()
    us.grant()
    us.endpoint.unregister("viettel", us.now_ns)
    us.run(33_000)
    assert us.states()[-1] == ("off", 0)
    us = Ours()
    us.answer(500)
    us.endpoint.unregister("viettel", us.now_ns)
    us.pump()
    assert us.states()[-1][0] == "off"
    us.run(1_000_000)
    assert us.empty()


def test_wanted_again_while_it_is_taken_back():
    us = Ours()
    us.grant()
    us.endpoint.unregister("viettel", us.now_ns)
    us.endpoint.register(account(), us.now_ns)
    us.pump()
    us.answer(200)
    us.grant()
    assert [s for s, _ in us.states()] == ["trying", "registered", "off", "trying", "registered"]


def test_the_address_behind_a_nat_is_learned():
    us = Ours(learn=True)

    def seen(port: int) -> None:
        data = reply(us.last(), 200, contact="", extra="Expires: 60\r\n")
        us.receive(data.replace(b";rport;", b";received=203.0.113.9;rport=%d;" % port))

    seen(4711)
    [values] = us.last().get_all("Contact")
    assert b"<sip:1900@203.0.113.9:4711>" in values
    assert values.endswith(b", <sip:1900@192.0.2.1:5060>;expires=0")
    seen(4711)
    assert us.states() == [("trying", 0), ("registered", 200)]
    _, again = us.next(60_000)
    assert again.get_all("Contact") == [b"<sip:1900@203.0.113.9:4711>;expires=600"]
    us = Ours(learn=True)
    for port in range(5_000, 5_010):
        if us.state() == "trying":
            seen(port)
    assert us.last().cseq == 3, "a NAT with a new port each time is not followed for ever"
    assert us.state() == "registered"


def test_without_learning_the_seen_address_is_ignored():
    us = Ours()
    data = reply(us.last(), 200, contact="", extra="Expires: 60\r\n")
    us.receive(data.replace(b";rport;", b";received=203.0.113.9;rport=1;"))
    assert us.state() == "registered"
    assert us.last().cseq == 1


def test_crlf_between_refreshes():
    us = Ours(keepalive_s=15)
    us.grant(3_600)
    us.sent.clear()
    end_ns = us.now_ns + 100 * SECOND
    while (due_ns := us.endpoint.deadline_ns()) is not None and due_ns <= end_ns:
        us.now_ns = max(due_ns, us.now_ns)
        us.endpoint.tick(us.now_ns)
        us.pump()
    assert [s.data for s in us.sent] == [b"\r\n\r\n"] * 6
    assert {s.target for s in us.sent} == {THEM}
    us.now_ns = end_ns
    us.endpoint.unregister("viettel", us.now_ns)
    us.pump()
    us.answer(200)
    us.run(3_600_000)
    assert us.empty()


def test_new_particulars_of_a_registered_account_are_used_at_once():
    us = Ours()
    us.grant()
    us.endpoint.register(account(targets=(SECOND_ONE,), expires_s=90), us.now_ns)
    us.pump()
    sent = us.last()
    assert (us.sent[-1].target, sent.cseq, sent.expires) == (SECOND_ONE, 2, 90)
    us.grant(90)
    other = account(aor="sip:1800@carrier.vn")
    us.endpoint.register(other, us.now_ns)
    us.pump()
    [gone, new] = us.take()[-2:]
    assert (gone.expires, gone.from_user, new.from_user) == (0, b"1900", b"1800")


@pytest.mark.parametrize(
    "changes",
    [
        {"aor": "tel:1900"},
        {"aor": "sip:a@h\r\nX: y"},
        {"registrar": "nothing"},
        {"contact_user": "a\r\nb"},
        {"contact_user": "a b@>"},
        {"instance": "urn:\r\n"},
        {"routes": ("<sip:x\r\n>",)},
        {"targets": ()},
        {"targets": (("192.0.2.2", 5060, 7),)},
    ],
)
def test_an_account_that_cannot_be(changes: dict[str, object]):
    us = Us()
    with pytest.raises(SipError):
        us.endpoint.register(account(**changes), us.now_ns)
    assert us.endpoint.registration("viettel") is None
    assert us.pump() == []


def test_accounts_have_a_limit():
    us = Us()
    for n in range(ACCOUNTS_MAX):
        us.endpoint.register(account(name=f"n{n}"), us.now_ns)
    us.pump()
    with pytest.raises(SipError):
        us.endpoint.register(account(), us.now_ns)


def test_any_sequence_of_answers_leaves_a_machine_that_goes_on():
    """Codes by chance; at the end the registrar grants, and we are registered."""
    for seed in range(60):
        rng = random.Random(seed)
        us = Ours(seed=seed, learn=bool(seed % 2), targets=(THEM, SECOND_ONE))
        for _ in range(30):
            extra = rng.choice(
                [
                    "",
                    "Min-Expires: 700\r\n",
                    f"WWW-Authenticate: {NONCE.format(rng.random())}\r\n",
                    "Retry-After: 5\r\n",
                    f"Contact: {CONTACT};expires={rng.randrange(100)}\r\n",
                ]
            )
            us.answer(rng.choice([100, 200, 200, 302, 401, 403, 407, 423, 500, 503, 600]), extra)
            us.run(rng.randrange(200_000))
        us.run(20_000_000)  # past every rest
        us.next(10_000_000)
        us.grant()
        assert us.state() == "registered"
        assert us.sizes()["client_others"] <= 2


def test_what_others_have_registered_may_be_anything():
    for other in ("<sip:x@:5060>;expires=7", "nonsense <", "<sip:a@h", "*"):
        us = Ours(expires_s=900)
        us.answer(200, f"Contact: {CONTACT};expires=77\r\nContact: {other}\r\n")
        assert us.state() == "registered", other
