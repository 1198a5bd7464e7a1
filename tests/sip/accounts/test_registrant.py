"""A registration of ours in virtual time: granted, refreshed, failing, granted again."""

from __future__ import annotations

from tests.sip.accounts.ours import CONTACT, NONCE, SECOND_ONE, Ours
from tests.sip.net import THEM


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
