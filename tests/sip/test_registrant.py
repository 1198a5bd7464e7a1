"""A registration of ours in virtual time, against registrars of all tempers."""

from __future__ import annotations

import random

import pytest

from fastpath.sipscan import Message
from sip.auth import Credentials
from sip.errors import SipError
from sip.events import Account, Registration
from sip.limits import ACCOUNTS_MAX, DENIALS_MAX, DENIED_REST_S, MS, SECOND
from tests.sip.net import THEM, Us, reply

SECOND_ONE = ("192.0.2.3", 5060, 0)
NONCE = 'Digest realm="r", nonce="{}", qop="auth"'
CONTACT = "<sip:1900@192.0.2.1:5060>"


def account(**changes: object) -> Account:
    fields: dict[str, object] = {
        "name": "viettel",
        "aor": "sip:1900@carrier.vn",
        "registrar": "sip:carrier.vn",
        "targets": (THEM,),
        "credentials": Credentials("1900", "secret"),
    }
    fields.update(changes)
    return Account(**fields)  # type: ignore[arg-type]


class Ours(Us):
    """Our side with one account."""

    def __init__(self, seed: int = 1, **changes: object) -> None:
        super().__init__(seed=seed)
        self.endpoint.register(account(**changes), self.now_ns)
        self.pump()
        assert self.state() == "trying"

    def state(self) -> str:
        found = self.endpoint.registration("viettel")
        return found.state if found is not None else "gone"

    def states(self) -> list[tuple[str, int]]:
        """(state, code) of every event since the last call of this."""
        told = self.told()
        assert all(isinstance(event, Registration) for event in told)
        return [(e.state, e.code) for e in told if isinstance(e, Registration)]

    def answer(self, code: int = 200, extra: str = "", **options: str) -> None:
        """The registrar's answer to the last request."""
        source = self.sent[-1].target
        self.receive(reply(self.last(), code, contact="", extra=extra, **options), source)

    def grant(self, expires_s: int = 600, extra: str = "") -> None:
        sent = self.last().get_all("Contact")[0].decode().partition(";expires")[0]
        self.answer(200, f"Contact: {sent};expires={expires_s}\r\n{extra}")

    def next(self, ms: int) -> tuple[float, Message]:
        """The next request of its own accord, and after how many seconds; time stops there."""
        start_ns, before = self.now_ns, len(self.sent)
        while len(self.sent) == before:
            due_ns = self.endpoint.deadline_ns()
            assert due_ns is not None
            assert due_ns <= start_ns + ms * MS, f"nothing within {ms} ms"
            self.now_ns = max(self.now_ns, due_ns)
            self.endpoint.tick(self.now_ns)
            self.pump()
        assert self.last().method == "REGISTER"
        return (self.now_ns - start_ns) / SECOND, self.last()


def test_the_request():
    us = Ours(expires_s=300, instance="urn:uuid:0-1", routes=("<sip:p.carrier.vn;lr>",))
    sent = us.last()
    assert (sent.method, sent.uri) == ("REGISTER", b"sip:carrier.vn")
    assert sent.from_uri == b"sip:1900@carrier.vn"
    assert sent.to_value == b"<sip:1900@carrier.vn>"
    assert sent.expires == 300
    [contact] = sent.get_all("Contact")
    assert contact == (CONTACT + ';+sip.instance="<urn:uuid:0-1>";expires=300').encode()
    assert sent.get_all("Supported") == [b"path"]
    assert sent.get_all("Route") == [b"<sip:p.carrier.vn;lr>"]


def test_registered_and_refreshed_in_time_with_one_call_id():
    us = Ours()
    first = us.last()
    us.grant(120)
    assert us.states() == [("trying", 0), ("registered", 200)]
    for cseq in range(2, 6):
        after_s, again = us.next(120_000)
        assert 60 <= after_s < 120
        assert (again.call_id, again.cseq) == (first.call_id, cseq)
        assert us.state() == "registered"
        us.grant(120)
    assert us.states() == [], "nothing has changed"


def test_the_expiry_that_the_registrar_gave_holds():
    for given_s, latest_s in ((3_600, 3_530), (60, 30), (10, 5), (2, 1)):
        us = Ours()
        us.grant(given_s)
        after_s, _ = us.next(given_s * 1_000)
        assert given_s / 2 <= after_s <= latest_s + 0.1


def test_the_challenge_is_met_and_the_nonce_used_again_for_the_refresh():
    us = Ours()
    us.answer(401, f"WWW-Authenticate: {NONCE.format('n1')}\r\n")
    assert b"nc=00000001" in us.last().get_all("Authorization")[0]
    us.grant(100)
    _, again = us.next(100_000)
    [said] = again.get_all("Authorization")
    assert b'nonce="n1"' in said
    assert b"nc=00000002" in said
    us.answer(401, f"WWW-Authenticate: {NONCE.format('n2')}, stale=true\r\n")
    [said] = us.last().get_all("Authorization")
    assert b'nonce="n2"' in said
    us.grant(100)
    assert us.states() == [("trying", 0), ("registered", 200)]


def test_ours_among_several_contacts():
    us = Ours()
    lines = (
        'Contact: "Other, phone" <sip:1900@192.0.2.77>;expires=30\r\n'
        "Contact: <sip:x@h>;expires=20, <sip:%31900@192.0.2.1:5060;ob>;q=0.3;expires=200\r\n"
    )
    us.answer(200, lines)
    found = us.endpoint.registration("viettel")
    assert found is not None
    assert found.expires_s == 200


def test_an_expiry_in_the_header_only_or_nowhere():
    us = Ours(expires_s=900)
    us.answer(200, f"Contact: {CONTACT}\r\nExpires: 77\r\n")
    found = us.endpoint.registration("viettel")
    assert found is not None
    assert found.expires_s == 77
    us = Ours(expires_s=900)
    us.answer(200)
    found = us.endpoint.registration("viettel")
    assert found is not None
    assert found.expires_s == 900


def test_a_registration_that_is_not_kept_is_a_failure():
    us = Ours()
    us.grant(0)
    assert us.state() == "waiting"
    found = us.endpoint.registration("viettel")
    assert found is not None
    assert "keep" in found.reason


def test_too_brief_is_asked_for_longer():
    us = Ours(expires_s=60)
    us.answer(423, "Min-Expires: 1800\r\n")
    again = us.last()
    assert (again.expires, again.cseq) == (1_800, 2)
    us.grant(1_800)
    assert us.states() == [("trying", 0), ("registered", 200)]


def test_423_is_not_obeyed_for_ever():
    us = Ours(expires_s=60)
    for longer in range(100, 1_000, 100):
        us.answer(423, f"Min-Expires: {longer}\r\n")
        if us.state() != "trying":
            break
    assert us.last().cseq == 3
    assert us.states() == [("trying", 0), ("waiting", 423)]
    us = Ours(expires_s=60)
    us.answer(423)
    assert us.state() == "waiting", "without Min-Expires there is nothing to obey"


def test_back_off_doubles_with_chance_in_it():
    waits: list[list[int]] = []
    for seed in range(20):
        us = Ours(seed=seed, retry_s=10)
        waits.append([])
        for _ in range(5):
            us.answer(500)
            assert us.state() == "waiting"
            after_s, _ = us.next(2_000_000)
            waits[-1].append(round(after_s))
    for n, bound in enumerate((20, 40, 80, 160, 320)):
        column = [row[n] for row in waits]
        assert bound // 2 - 1 <= min(column)
        assert max(column) <= bound + 1
        assert len(set(column)) > 3, "a thousand clients must not return together"


def test_retry_after_is_honoured():
    us = Ours()
    us.answer(503, "Retry-After: 200\r\n")
    after_s, _ = us.next(300_000)
    assert 199 <= after_s <= 251


def test_failover_and_the_target_that_answered_is_kept_to():
    us = Ours(targets=(THEM, SECOND_ONE))
    us.answer(503)
    assert us.sent[-1].target == SECOND_ONE
    us.grant(100)
    _, _again = us.next(100_000)
    assert us.sent[-1].target == SECOND_ONE
    us.endpoint.unreachable(SECOND_ONE, us.now_ns)
    us.pump()
    assert us.sent[-1].target == THEM
    us.grant(100)
    found = us.endpoint.registration("viettel")
    assert found is not None
    assert found.target == THEM


def test_a_silent_registrar_of_two_is_left_before_the_registration_ends():
    us = Ours(targets=(THEM, SECOND_ONE))
    us.grant(3_600)
    us.take()
    after_s, _ = us.next(3_600_000)
    assert after_s <= 3_600 - 64
    us.run(20_000)
    assert us.sent[-1].target == SECOND_ONE


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
