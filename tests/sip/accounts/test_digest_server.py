"""Who may come in: challenges, guesses, replays. What a stranger sees tells it nothing."""

from __future__ import annotations

import random
import re

import pytest

from fastpath.sipscan import Message, scan
from sip.accounts import digest_server
from sip.accounts.auth import Credentials, DigestClient
from sip.accounts.digest_server import NONE, STALE, WRONG, DigestServer, Verdict, user
from sip.errors import SipError
from sip.limits import MS, NONCE_LIFE, NONCES_MAX, SECOND
from tests.sip.phone import REALM, USERS, Exchange, Telephone, credentials, nonces

HOST = "198.51.100.5"
URI = f"sip:{REALM}"
RIGHT = Verdict("right", "1001")


def asked(line: str, method: str = "REGISTER", uri: str = URI) -> Message:
    head = (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP h:1;branch=z9hG4bKa\r\n"
        f"From: <sip:1001@{REALM}>;tag=1\r\nTo: <sip:1001@{REALM}>\r\nCall-ID: c\r\n"
        f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\n{line}\r\n"
    )
    return scan(head.encode())


class Server:
    def __init__(self) -> None:
        self.server = DigestServer(REALM, USERS, random.Random(1))
        self.now_ns = 1_000 * SECOND

    def nonce(self, host: str = HOST) -> str:
        lines = self.server.challenge(host, self.now_ns).decode()
        found = re.findall(r'nonce="([^"]+)"', lines)
        assert len(set(found)) == 1
        return str(found[0])

    def check(self, line: str, host: str = HOST, **how: str) -> Verdict:
        return self.server.check(asked(line, **how), host, self.now_ns)


def test_the_challenge_offers_sha_256_before_md5():
    lines = Server().server.challenge(HOST, 5, stale=True).decode().split("\r\n")
    assert [re.findall(r"algorithm=([\w-]+)", line) for line in lines[:2]] == [["SHA-256"], ["MD5"]]
    assert all('qop="auth"' in line and "stale=true" in line for line in lines[:2])
    assert "stale" not in Server().server.challenge(HOST, 5).decode()


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_right_once_and_again_with_a_higher_count_only(algorithm: str):
    s = Server()
    nonce = s.nonce()

    def said(nc: str) -> str:
        return credentials(nonce, "REGISTER", URI, algorithm=algorithm, nc=nc)

    assert s.check(said("00000001")) == RIGHT
    assert s.check(said("00000001")) == STALE
    assert s.check(said("00000003")) == RIGHT
    assert s.check(said("00000002")) == STALE
    assert s.check(said("0000000A")) == RIGHT
    assert s.check(said("00000009")) == STALE


def test_our_own_client_is_let_in_again_and_again():
    s = Server()
    client = DigestClient(Credentials("1001", "1001-secret"))
    head = "SIP/2.0 401 No\r\nVia: SIP/2.0/UDP h:1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:a@h>\r\n"
    challenge = head + "Call-ID: c\r\nCSeq: 1 REGISTER\r\n"
    data = challenge.encode() + s.server.challenge(HOST, s.now_ns) + b"\r\n"
    line = client.answer(scan(data), "REGISTER", URI.encode(), b"cn").decode()
    assert "algorithm=SHA-256" in line
    for _ in range(5):
        assert s.check(line) == RIGHT
        line = client.begin("REGISTER", URI.encode()).decode()


def test_a_nonce_lives_for_thirty_seconds():
    s = Server()
    nonce = s.nonce()
    s.now_ns += NONCE_LIFE
    assert s.check(credentials(nonce, "REGISTER", URI)) == RIGHT
    s.now_ns += MS
    assert s.check(credentials(nonce, "REGISTER", URI, nc="00000002")) == STALE
    wrong = credentials(nonce, "REGISTER", URI, secret="x")
    assert s.check(wrong) == WRONG, "stale is said to who knows the password only"


def test_without_qop_a_nonce_serves_once():
    s = Server()
    line = credentials(s.nonce(), "REGISTER", URI, nc=None)
    assert s.check(line) == RIGHT
    assert s.check(line) == STALE


def test_a_nonce_of_another_host_or_of_nobody_is_none():
    s = Server()
    assert s.check(credentials(s.nonce("203.0.113.1"), "REGISTER", URI)) == NONE
    nonce = s.nonce()
    forged = [nonce[:-1] + ("0" if nonce[-1] != "0" else "1"), "0" * 14 + nonce[14:], "", "x" * 54]
    for other in forged:
        assert s.check(credentials(other, "REGISTER", URI)) == NONE
    assert DigestServer(REALM, USERS, random.Random(2)).check(
        asked(credentials(nonce, "REGISTER", URI)), HOST, s.now_ns
    ) == NONE  # fmt: skip


def test_guesses():
    s = Server()
    nonce = s.nonce()
    for how in (
        {"secret": "wrong"},
        {"name": "1003", "secret": "1001-secret"},
        {"name": "1002", "secret": "1001-secret"},
        {"nc": "1"},
        {"nc": "zzzzzzzz"},
    ):
        assert s.check(credentials(nonce, "REGISTER", URI, **how)) == WRONG
    right = credentials(nonce, "REGISTER", URI)
    assert s.check(right.replace("SHA-256", "MD5")) == WRONG
    assert s.check(right.replace("SHA-256", "SHA-256-sess")) == WRONG
    assert s.check(right.replace("qop=auth", "qop=auth-int")) == WRONG
    assert s.check(right, method="INVITE") == WRONG
    assert s.check(right, uri="sip:elsewhere.vn") == WRONG
    assert s.check(right.replace(f'"{URI}"', '"nothing"')) == WRONG
    assert s.check(right.replace("username", "usernam")) == WRONG
    assert s.check(right.replace('response="', 'response="\u00e9')) == WRONG
    assert s.check(right) == RIGHT


def test_other_schemes_and_realms_are_none():
    s = Server()
    right = credentials(s.nonce(), "REGISTER", URI)
    assert s.check("") == NONE
    assert s.check("Authorization: Basic QTpC\r\n") == NONE
    assert s.check(credentials(s.nonce(), "REGISTER", URI, realm="other")) == NONE
    assert s.check("Authorization: " + "x" * 5_000 + "\r\n") == NONE
    assert s.check(credentials("n", "REGISTER", URI, realm="other") + right) == RIGHT


def test_the_table_of_served_nonces_is_bounded_and_replays_stay_refused(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(digest_server, "NONCES_MAX", 10)
    s = Server()
    said = []
    for _ in range(25):
        line = credentials(s.nonce(), "REGISTER", URI)
        said.append(line)
        assert s.check(line) == RIGHT
        s.now_ns += MS
    assert len(s.server._used) == 10
    assert {s.check(line) for line in said} == {STALE}
    s.now_ns += NONCE_LIFE + SECOND
    assert s.check(credentials(s.nonce(), "REGISTER", URI)) == RIGHT
    assert len(s.server._used) == 1, "what has expired is forgotten"
    assert NONCES_MAX > 10


def test_passwords_are_not_kept_or_shown():
    someone = user("bob", "r", "hunter2")
    assert "hunter2" not in repr(someone) + str(someone.ha1)
    assert set(someone.ha1) == {"SHA-256", "MD5"}


def test_one_algorithm_only():
    s = Server()
    s.server = DigestServer(REALM, USERS, random.Random(1), ("MD5",))
    lines = s.server.challenge(HOST, s.now_ns)
    assert lines.count(b"\r\n") == 1
    assert b"algorithm=MD5" in lines
    nonce = s.nonce()
    assert s.check(credentials(nonce, "REGISTER", URI)) == WRONG
    assert s.check(credentials(nonce, "REGISTER", URI, algorithm="MD5")) == RIGHT
    for wrong in ((), ("SHA-1",)):
        with pytest.raises(SipError):
            DigestServer(REALM, USERS, random.Random(1), wrong)


def offered(message: Message) -> list[str]:
    return [challenge["algorithm"] for challenge in nonces(message)]


def test_a_telephone_that_gives_up_at_sha_256_is_offered_md5_alone_the_next_time():
    us = Exchange()
    phone = Telephone(us)
    data = phone.data()
    assert offered(us.answer(data)) == ["SHA-256", "MD5"]
    assert offered(us.answer(data)) == ["SHA-256", "MD5"], "only repeated"
    again = us.answer(phone.data())
    assert offered(again) == ["MD5"]
    phone.how = {"algorithm": "MD5"}
    nonce = nonces(again)[0]["nonce"]
    assert us.answer(phone.said(nonce)).status == 200
    assert offered(us.answer(phone.data())) == ["SHA-256", "MD5"], "it did answer"
    stale = us.answer(phone.said(nonce))
    assert offered(stale) == ["SHA-256", "MD5"]


def test_a_telephone_known_to_give_up_is_offered_md5_alone_at_once():
    us = Exchange()
    data = Telephone(us).data(extra="User-Agent: baresip v1.0.0 (x86_64/linux)\r\n")
    assert offered(us.answer(data)) == ["MD5"]


def test_a_realm_that_cannot_be():
    for realm in ("", "a\r\nb"):
        with pytest.raises(SipError):
            DigestServer(realm, USERS, random.Random(1))


def shape(message: Message) -> bytes:
    """An answer without what differs between any two requests."""
    text = re.sub(rb'nonce="[0-9a-f]+"', b"nonce", message.data)
    text = re.sub(rb"tag=[0-9a-f]+|branch=[^;\r]+|Call-ID: [^\r]+|CSeq: [^\r]+", b"", text)
    return re.sub(rb"sip:\d+@", b"sip:@", text)


def test_known_and_unknown_users_get_the_same_answers():
    us = Exchange()
    answers: dict[str, list[bytes]] = {}
    for n, name in enumerate(("1001", "7777")):
        phone = Telephone(us, name=name, source=(f"198.51.100.{n}", 5062, 0))
        first = us.answer(phone.data(), phone.source)
        phone.how = {"secret": "guess"}
        second = us.answer(phone.said(nonces(first)[0]["nonce"]), phone.source)
        invite = us.answer(phone.data("INVITE"), phone.source)
        answers[name] = [
            shape(m).replace(phone.source[0].encode(), b"") for m in (first, second, invite)
        ]
    assert answers["1001"] == answers["7777"]


def test_a_replayed_request_is_refused_whatever_it_asks():
    """Somebody who overheard it sends it again, with a branch of his own."""
    us = Exchange()
    phone = Telephone(us)
    heard = phone.said(phone.nonce(), extra="Expires: 0\r\n")
    assert us.answer(heard).status == 200
    phone.register()
    again = heard.replace(b"z9hG4bK", b"z9hG4bKx")
    answer = us.answer(again)
    assert answer.status == 401
    assert nonces(answer)[0]["stale"] == "true"
    assert us.where(), "still registered"
    thief = ("203.0.113.66", 5060, 0)
    elsewhere = us.answer(again.replace(b"z9hG4bKx", b"z9hG4bKy"), thief)
    assert elsewhere.status == 401
    assert "stale" not in nonces(elsewhere)[0]
