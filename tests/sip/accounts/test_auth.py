"""Digest, client side, against the examples of the RFCs and against servers that mean no good."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpath.sipscan import Message, scan
from sip.accounts import auth
from sip.accounts.auth import Challenge, Credentials, DigestClient
from sip.limits import CHALLENGES_MAX, REALMS_MAX

OURS = Credentials("alice", "secret")


def challenged(*lines: str, code: int = 401) -> Message:
    head = (
        f"SIP/2.0 {code} No\r\nVia: SIP/2.0/UDP h:1;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=1\r\n"
        "To: <sip:a@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
    )
    return scan((head + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode())


def www(realm: str = "r", nonce: str = "n", **more: str) -> str:
    extra = "".join(f", {name}={value}" for name, value in more.items())
    return f'WWW-Authenticate: Digest realm="{realm}", nonce="{nonce}", qop="auth"{extra}'


def fields(line: bytes) -> dict[str, str]:
    [(scheme, found)] = auth.split(line.decode().partition(":")[2])
    assert scheme == "digest"
    return found


def said(lines: bytes) -> list[dict[str, str]]:
    """The credentials of these header lines, their proofs recomputed here."""
    out = []
    for line in lines.split(b"\r\n")[:-1]:
        f = fields(line)
        name = f.get("algorithm", "MD5").upper()
        kind = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
        h = kind[name.removesuffix("-SESS")]

        def hashed(text: str, h: str = h) -> str:
            return hashlib.new(h, text.encode()).hexdigest()

        ha1 = hashed(f"{f['username']}:{f['realm']}:secret")
        if name.endswith("-SESS"):
            ha1 = hashed(f"{ha1}:{f['nonce']}:{f['cnonce']}")
        middle = f":{f['nc']}:{f['cnonce']}:auth" if "qop" in f else ""
        ha2 = hashed(f"REGISTER:{f['uri']}")
        assert f["response"] == hashed(f"{ha1}:{f['nonce']}{middle}:{ha2}")
        out.append(f)
    return out


class Client:
    """Our side for one request after another."""

    def __init__(self) -> None:
        self.digest = DigestClient(OURS)
        self.serial = 0

    def begin(self) -> list[dict[str, str]]:
        return said(self.digest.begin("REGISTER", b"sip:h"))

    def answer(self, *lines: str, code: int = 401) -> list[dict[str, str]]:
        self.serial += 1
        message = challenged(*lines, code=code)
        return said(self.digest.answer(message, "REGISTER", b"sip:h", b"cn%d" % self.serial))


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_section_3_9_1(algorithm: str, expected: str):
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    challenge = Challenge("http-auth@example.org", nonce, algorithm, True, None, False, False)
    who = Credentials("Mufasa", "Circle of Life")
    assert auth.response(challenge, who, "GET", "/dir/index.html", cnonce) == expected


def test_rfc_7616_section_3_9_2_as_its_erratum_4897_has_it():
    nonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK"
    cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
    challenge = Challenge("api@example.org", nonce, "SHA-512-256", True, None, False, False)
    who = Credentials("J\u00e4s\u00f8n Doe", "Secret, or not?")
    expected = "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    assert auth.response(challenge, who, "GET", "/doe.json", cnonce) == expected


def test_the_strongest_of_several_challenges_wherever_it_stands():
    client = Client()
    md5 = www(algorithm="MD5")
    [one] = client.answer(md5, www(nonce="s", algorithm="SHA-256"), www(nonce="m"))
    assert (one["algorithm"], one["nonce"]) == ("SHA-256", "s")
    one_line = md5 + ', Digest realm="r", nonce="x", qop="auth", algorithm=SHA-512-256, Basic a="b"'
    [two] = Client().answer(one_line)
    assert (two["algorithm"], two["nonce"]) == ("SHA-512-256", "x")


def test_unknown_algorithms_and_auth_int_alone_are_left_out():
    client = Client()
    others = (
        www(algorithm="SHA3-256"),
        'WWW-Authenticate: Digest realm="r", nonce="i", qop="auth-int"',
        "WWW-Authenticate: NTLM, Negotiate",
        'WWW-Authenticate: Digest realm="r"',
    )
    assert not client.answer(*others)
    [one] = Client().answer(*others, www(nonce="good", qop2="x"))
    assert one["nonce"] == "good"
    both = 'WWW-Authenticate: Digest realm="r", nonce="b", qop="auth-int, auth"'
    [two] = Client().answer(both)
    assert two["qop"] == "auth"


@pytest.mark.parametrize("algorithm", ["MD5-sess", "SHA-256-sess", "SHA-512-256-SESS", "md5"])
def test_session_keys_hold_over_several_requests(algorithm: str):
    client = Client()
    [first] = client.answer(www(algorithm=algorithm))
    [second] = client.begin()
    assert first["cnonce"] == second["cnonce"]
    assert (first["nc"], second["nc"]) == ("00000001", "00000002")
    assert first["algorithm"] == algorithm


def test_without_qop_there_is_no_count():
    client = Client()
    [one] = client.answer('WWW-Authenticate: Digest realm="r", nonce="n"')
    assert not {"nc", "cnonce", "qop", "algorithm"} & set(one)
    [sess] = Client().answer('WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5-sess')
    assert sess["cnonce"]
    assert "nc" not in sess


@pytest.mark.parametrize("nonce", ["a==", "=", 'q\\"uote', "a,b; c=d", "with space", "back\\\\s"])
def test_any_nonce_and_opaque_come_back_as_they_were(nonce: str):
    line = f'WWW-Authenticate: Digest realm="r", opaque="{nonce}", nonce="{nonce}", qop=auth'
    message = challenged(line)
    lines = DigestClient(OURS).answer(message, "REGISTER", b"sip:h", b"c")
    assert f'nonce="{nonce}"'.encode() in lines
    assert f'opaque="{nonce}"'.encode() in lines
    [one] = said(lines)
    assert one["nonce"] == re.sub(r"\\(.)", r"\1", nonce)


def test_a_count_per_nonce_over_requests():
    client = Client()
    assert client.begin() == []
    client.answer(www(nonce="n1"))
    assert [client.begin()[0]["nc"] for _ in range(3)] == ["00000002", "00000003", "00000004"]
    [fresh] = client.answer(www(nonce="n2", stale="true"))
    assert (fresh["nonce"], fresh["nc"]) == ("n2", "00000001")
    assert client.begin()[0]["nc"] == "00000002"


def test_a_known_nonce_that_is_refused_without_stale_is_given_up_for_the_new_one():
    client = Client()
    client.answer(www(nonce="n1"))
    client.begin()
    [one] = client.answer(www(nonce="n2"))
    assert one["nonce"] == "n2"
    assert not client.answer(www(nonce="n3"))


def test_a_wrong_password_is_said_once_and_not_again_unasked():
    client = Client()
    assert client.answer(www(nonce="n1"))
    assert not client.answer(www(nonce="n2"))
    assert client.begin() == []


def test_stale_is_believed_once():
    client = Client()
    assert client.answer(www(nonce="n1"))
    assert client.answer(www(nonce="n2", stale="TRUE"))
    assert not client.answer(www(nonce="n3", stale="TRUE"))
    again = Client()
    assert again.answer(www(nonce="n1"))
    assert not again.answer(www(nonce="n1", stale="true")), "the same nonce cannot be stale"


def test_every_realm_of_a_path_is_satisfied():
    client = Client()
    proxy = www("edge", "e1").replace("WWW-", "Proxy-")
    assert len(client.answer(proxy, code=407)) == 1
    both = client.answer(www("core", "c1"))
    assert [(f["realm"], f["nc"]) for f in both] == [("edge", "00000002"), ("core", "00000001")]
    assert [f["nc"] for f in client.begin()] == ["00000003", "00000002"]


def test_a_proxy_whose_nonces_serve_once_is_asked_again():
    """Its second challenge comes after the server's: it had accepted the first answer."""
    client = Client()
    proxy = www("edge", "e1").replace("WWW-", "Proxy-")
    client.answer(proxy, code=407)
    client.answer(www("core", "c1"))
    [edge, core] = client.answer(proxy.replace("e1", "e2"), code=407)
    assert (edge["nonce"], core["nonce"]) == ("e2", "c1")


def test_one_response_may_ask_for_several_realms():
    client = Client()
    lines = client.answer(www("a"), www("b"), www("c").replace("WWW-", "Proxy-"))
    assert [f["realm"] for f in lines] == ["a", "b", "c"]


def test_hostile_servers_get_a_bounded_number_of_answers():
    for vary in ("nonce", "realm", "both"):
        client = Client()
        rounds = 0
        while client.answer(
            www(
                f"r{rounds}" if vary != "nonce" else "r",
                f"n{rounds}" if vary != "realm" else "n",
                stale="true",
            )
        ):
            rounds += 1
        assert rounds <= CHALLENGES_MAX
    many = [www(f"r{n}") for n in range(REALMS_MAX + 1)]
    assert not Client().answer(*many)
    assert len(Client().answer(*many[:-1])) == REALMS_MAX


def test_a_realm_of_ones_own_keeps_the_secret_from_others():
    digest = DigestClient(Credentials("alice", "secret", "home"))
    assert not digest.answer(challenged(www("elsewhere")), "REGISTER", b"sip:h", b"c")
    assert digest.answer(challenged(www("elsewhere"), www("home")), "REGISTER", b"sip:h", b"c")


def test_userhash_and_charset_are_tolerated():
    [one] = Client().answer(www(userhash="true", charset="UTF-8", domain='"sip:h"'))
    assert one["username"] == "alice"


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_a_challenge_says_never_makes_a_line(realm: str, nonce: str):
    challenge = Challenge(realm, nonce, "SHA-256", True, nonce, False, False)
    try:
        line = auth.authorization(challenge, OURS, "REGISTER", "sip:h", "c")
    except UnicodeEncodeError:  # surrogates: `challenges` decodes with replacement, so none come
        return
    assert line.endswith(b"\r\n")
    assert not re.search(rb"[\x00-\x1f\x7f]", line[:-2])


@given(st.text("Digest realmnonce=\",\\'; \tx", max_size=200))
def test_any_header_is_taken_apart_without_harm(value: str):
    for scheme, found in auth.split(value):
        assert scheme == scheme.lower()
        assert all(name == name.lower() for name in found)
