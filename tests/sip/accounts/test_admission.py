"""Who is heard: strangers at the trunks' side, floods, scanners and guessers at the telephones'."""

from __future__ import annotations

import pytest

from sip.accounts.admission import Admission, key_of
from sip.errors import SipError
from sip.events import Ended, Guessing, Incoming
from sip.limits import (
    GUESSES_MAX,
    MS,
    PHONE_BURST,
    SECOND,
    SILENCE,
    SILENCE_MAX,
    SOURCE_BURST,
    SOURCE_RATE,
    SOURCES_MAX,
    STRANGERS_BURST,
    STRANGERS_RATE,
)
from tests.sip.net import OFFER, request
from tests.sip.phone import DESK, Exchange, Telephone, nonces

NOW = 1_000 * SECOND
TRUNKS = {"viettel": ["203.0.113.0/28", "2001:db8:1::/48"], "mobi": ["198.51.100.7"]}
CARRIER = ("203.0.113.9", 5060, 2)
STRANGER = ("192.0.2.200", 5060, 2)


# trunks


def test_networks_of_trunks():
    admission = Admission(TRUNKS)
    assert admission.trunk("203.0.113.15") == "viettel"
    assert admission.trunk("198.51.100.7") == "mobi"
    assert admission.trunk("2001:db8:1:2::9") == "viettel"
    assert admission.trunk("::ffff:203.0.113.3") == "viettel"
    for host in ("203.0.113.16", "198.51.100.8", "2001:db8:2::1", "not an address", ""):
        assert admission.trunk(host) is None
    admission.allow("198.51.100.8", "mobi")
    assert admission.trunk("198.51.100.8") == "mobi"
    with pytest.raises(SipError):
        admission.allow("300.1.1.1", "x")
    with pytest.raises(SipError):
        Admission({"x": ["host.example"]})


def test_other_trunks_take_the_place_of_those_before():
    admission = Admission(TRUNKS)
    admission.allow("198.51.100.8", "mobi")
    with pytest.raises(SipError):
        admission.configure({"a": ["192.0.2.0/24"], "b": ["300.1.1.1"]})
    assert admission.trunk("198.51.100.8") == "mobi"
    assert admission.trunk("192.0.2.9") is None
    admission.configure({"a": ["192.0.2.0/24", "198.51.100.7"]})
    assert [admission.trunk(h) for h in ("192.0.2.9", "198.51.100.7", "198.51.100.8")] == [
        "a", "a", None,
    ]  # fmt: skip
    admission.configure({})
    assert not admission.admit(("192.0.2.9", 5060, 0), NOW, phones=False)
    assert admission.admit(("192.0.2.9", 5060, 0), NOW, phones=True)


def invite(call_id: str = "t1") -> bytes:
    return request("INVITE", call_id=call_id, branch=f"z9hG4bK{call_id}", body=OFFER)


def test_a_stranger_at_the_trunks_side_gets_no_answer_to_anything():
    us = Exchange(admission=Admission(TRUNKS))
    for n, data in enumerate(
        [
            invite(),
            request("OPTIONS"),
            request("REGISTER"),
            request("BYE", to="<sip:a@h>;tag=1"),
            request("CANCEL"),
            b"OPTIONS sip:h SIP/3.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n\r\n",
            b"\xff" * 100,
            b"\r\n\r\n",
        ],
        1,
    ):
        us.receive(data, STRANGER)
        assert us.sent == []
        assert us.told() == []
        assert us.endpoint.statistics()["strangers"] == n
    assert us.endpoint.statistics()["malformed"] == 0, "nothing was read"
    us.receive(invite(), CARRIER)
    assert [type(e) for e in us.told()] == [Incoming]


def test_a_call_of_ours_may_be_answered_and_ended_from_an_address_never_named():
    """A carrier's gateway hangs up by itself; nobody else can without our tag and Call-ID."""
    us = Exchange(admission=Admission(TRUNKS))
    us.receive(invite(), CARRIER)
    (call,) = us.told()
    us.endpoint.accept(call.leg, OFFER, us.now_ns)
    us.pump()
    tagged = us.take()[-1].to_value.decode()
    tag = tagged.partition(";tag=")[2]
    for forged in (f"<sip:a@h>;tag={tag[:-1]}x", "<sip:a@h>"):
        us.receive(request("BYE", to=forged, call_id="t1", cseq=9), STRANGER)
    us.receive(request("BYE", to=tagged, call_id="other", cseq=9), STRANGER)
    us.receive(b"\xff" * 100, STRANGER)
    assert (us.sent, us.told()) == ([], [])
    us.receive(request("ACK", to=tagged, call_id="t1"), STRANGER)
    us.receive(request("BYE", to=tagged, call_id="t1", cseq=9, branch="z9hG4bKbye"), STRANGER)
    assert [m.status for m in us.take()] == [200]
    assert type(us.told()[-1]) is Ended


def test_without_an_allow_list_everybody_is_a_trunk():
    us = Exchange(admission=Admission())
    us.receive(invite(), STRANGER)
    assert [type(e) for e in us.told()] == [Incoming]


def test_with_an_empty_one_nobody_is():
    us = Exchange(admission=Admission({}))
    us.receive(invite(), CARRIER)
    assert (us.sent, us.told()) == ([], [])


def test_a_flood_cannot_silence_a_trunk():
    admission = Admission(TRUNKS)
    us = Exchange(admission=admission)
    for n in range(20_000):
        us.receive(b"junk", CARRIER if n % 2 else ("203.0.113.9", 5060, 0))
    us.receive(invite(), CARRIER)
    assert [type(e) for e in us.told() if isinstance(e, Incoming)] == [Incoming]


# buckets


def test_a_bucket_is_filled_at_its_rate():
    admission = Admission()
    taken = sum(admission.take("h", NOW) for _ in range(1_000))
    assert taken == SOURCE_BURST
    assert admission.count["throttled"] == 1_000 - SOURCE_BURST
    later_ns = NOW + 2 * SECOND
    assert sum(admission.take("h", later_ns) for _ in range(1_000)) == 2 * SOURCE_RATE
    long_ns = NOW + 1_000 * SECOND
    assert sum(admission.take("h", long_ns) for _ in range(1_000)) == SOURCE_BURST
    assert admission.take("other", long_ns), "each has its own"


def test_a_steady_sender_below_the_rate_is_never_refused():
    admission = Admission()
    step_ns = SECOND // SOURCE_RATE
    assert all(admission.take("h", NOW + n * step_ns) for n in range(5_000))


def test_strangers_share_a_bucket_so_forged_addresses_gain_nothing():
    admission = Admission()
    taken = sum(
        admission.take(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", NOW) for n in range(50_000)
    )
    assert taken == STRANGERS_BURST
    assert admission.sizes()["sources"] == STRANGERS_BURST + 1
    second_ns = NOW + SECOND
    taken = sum(admission.take(f"11.{n >> 16}.{n >> 8 & 255}.0", second_ns) for n in range(50_000))
    assert taken <= STRANGERS_RATE + 1


def test_the_table_of_sources_is_bounded():
    admission = Admission()
    now_ns = NOW
    for n in range(SOURCES_MAX + 5_000):
        now_ns += 2 * MS
        admission.take(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", now_ns)
    assert admission.sizes()["sources"] <= SOURCES_MAX


def test_an_ipv6_network_is_one_source():
    assert key_of("2001:db8::1") == key_of("2001:db8:0:0:ffff::9") != key_of("2001:db8:0:1::1")
    assert key_of("::ffff:192.0.2.1") == key_of("192.0.2.1") == "192.0.2.1"
    assert key_of("fe80::1%eth0") == key_of("fe80::2")
    admission = Admission()
    taken = sum(admission.take(f"2001:db8::{n:x}", NOW) for n in range(1_000))
    assert taken == SOURCE_BURST


def test_a_host_with_telephones_has_a_larger_bucket_of_its_own():
    admission = Admission()
    for n in range(100_000):
        admission.take(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", NOW)
    assert not admission.take(DESK[0], NOW), "the strangers' bucket is empty"
    admission.registered(DESK)
    assert sum(admission.take(DESK[0], NOW) for _ in range(PHONE_BURST * 2)) == PHONE_BURST
    admission.gone(DESK)
    assert not admission.take(DESK[0], NOW)


# scanners and guessers


def heard(us: Exchange, data: bytes, source: tuple[str, int, int]) -> int:
    """Status of the answer, 0 for silence."""
    found = us.answers(data, source)
    return found[0].status if found else 0


def test_a_scanner_of_extensions_sees_five_equal_challenges_then_nothing():
    us = Exchange()
    codes = []
    for n in range(100):
        phone = Telephone(us, name=str(1_000 + n), source=("203.0.113.5", 5060, 0))
        codes.append(heard(us, phone.data(), phone.source))
        us.run(200)
    assert codes == [401] * GUESSES_MAX + [0] * (100 - GUESSES_MAX)


def test_a_scanner_of_servers_finds_none():
    us = Exchange()
    for method in ("OPTIONS", "BYE", "SUBSCRIBE", "NOTIFY", "MESSAGE", "REFER", "PUBLISH", "FOO"):
        data = request(method, branch=f"z9hG4bK{method}")
        assert heard(us, data, ("203.0.113.5", 5060, 0)) == 0
        tagged = request(method, branch=f"z9hG4bKt{method}", to="<sip:a@h>;tag=x")
        assert heard(us, tagged, ("203.0.113.5", 5060, 0)) == 0
    assert heard(us, request("CANCEL", branch="z9hG4bKc"), ("203.0.113.5", 5060, 0)) == 0
    assert heard(us, b"OPTIONS sip:h SIP/2.0\r\nVia: broken\r\n\r\n", ("203.0.113.5", 1, 0)) == 0


def guess(us: Exchange, phone: Telephone, nonce: str) -> tuple[int, str]:
    found = us.answers(phone.said(nonce), phone.source)
    return (found[0].status, nonces(found[0])[0]["nonce"]) if found else (0, nonce)


def test_a_guesser_of_passwords_is_silenced_after_five_for_a_growing_time():
    us = Exchange()
    phone = Telephone(us, source=("203.0.113.5", 5060, 0), secret="wrong")
    silences = []
    for _ in range(4):
        nonce = phone.nonce()
        codes = []
        for _ in range(GUESSES_MAX + 3):
            code, nonce = guess(us, phone, nonce)
            codes.append(code)
        assert codes == [401] * GUESSES_MAX + [0] * 3
        [banned] = us.facts(Guessing)
        assert isinstance(banned, Guessing)
        assert banned.host == "203.0.113.5"
        silences.append(banned.silent_s)
        us.run(banned.silent_s * 1_000 - 1_000)
        assert heard(us, phone.data(), phone.source) == 0
        us.run(1_100)
    assert silences == [SILENCE // SECOND * n for n in (1, 2, 4, 8)]


def test_silence_has_an_end():
    admission = Admission()
    now_ns, longest = NOW, 0
    for _ in range(40):
        silent_s = 0
        while not silent_s:
            silent_s = admission.guessed("h", now_ns)
        longest = max(longest, silent_s)
        now_ns += silent_s * SECOND
    assert longest == SILENCE_MAX // SECOND


def test_nobody_can_have_another_silenced_by_forging_his_address():
    """Without having seen a challenge a forger reaches no guess; who is registered is untouched."""
    us = Exchange()
    phone = Telephone(us)
    assert phone.register().status == 200
    thief = Telephone(us, source=("203.0.113.66", 1, 0), secret="wrong")
    nonce = thief.nonce()
    for n in range(50):
        us.receive(thief.said(nonce), DESK)
        us.receive(thief.data(), DESK)
        us.run(100 + n)
    assert us.facts(Guessing) == []
    us.sent.clear()
    assert phone.register().status == 200


def test_one_wrong_telephone_behind_a_nat_does_not_silence_the_others():
    us = Exchange()
    good = Telephone(us)
    assert good.register().status == 200
    bad = Telephone(us, name="1002", source=(DESK[0], 7_000, 0), secret="wrong")
    nonce = bad.nonce()
    for _ in range(20):
        _, nonce = guess(us, bad, nonce)
    assert len(us.facts(Guessing)) == 1
    assert heard(us, bad.data(), bad.source) == 0
    assert good.register().status == 200


def test_an_honest_mistake_is_forgiven_with_the_right_password():
    us = Exchange()
    phone = Telephone(us)
    for _ in range(10):
        phone.how = {"secret": "wrong"}
        nonce = phone.nonce()
        for _ in range(GUESSES_MAX - 1):
            code, nonce = guess(us, phone, nonce)
            assert code == 401
        phone.how = {}
        assert us.answer(phone.said(nonce), DESK).status == 200
        us.run(10_000)
    assert us.facts(Guessing) == []


def test_an_office_that_boots_at_once_gets_in():
    """Thirty telephones behind one address ask in the same second; the shut-out ask again."""
    us = Exchange()
    phones = [Telephone(us, source=(DESK[0], 6_000 + n, 0)) for n in range(30)]
    waiting = list(phones)
    for _ in range(3):
        challenged = [(p, us.answers(p.data(), p.source)) for p in waiting]
        for phone, found in challenged:
            if found:
                nonce = nonces(found[0])[0]["nonce"]
                assert us.answer(phone.said(nonce), phone.source).status == 200
                waiting.remove(phone)
        us.run(4_000)
    assert waiting == []


def test_junk_at_five_thousand_a_second_delays_no_registered_telephone():
    us = Exchange()
    phone = Telephone(us)
    phone.register()
    for n in range(20_000):
        us.receive(b"\x00junk" * 20, (f"203.0.{n >> 8 & 255}.{n & 255}", 5060, 0))
        us.now_ns += SECOND // 5_000
    assert us.sent == []
    counts = us.endpoint.statistics()
    assert counts["malformed"] <= STRANGERS_BURST + 4 * STRANGERS_RATE + 1, "most was not read"
    assert phone.register().status == 200
