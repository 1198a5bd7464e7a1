"""Digest access authentication, server side: RFC 7616 and 8760.

A nonce carries its age and is sealed for the host that asked, so nothing is kept for a challenge.
Of a nonce that served, the last count is kept, so nothing said once can be said again. Passwords
are not known here, only H(user:realm:password). A guesser learns nothing but "no": an unknown user
is checked against a secret of nobody's, in the same steps.
"""

from __future__ import annotations

import hmac
import random
import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from fastpath.sipscan import Message
from sip.accounts.auth import HASHES, digest, proof, quote, split
from sip.errors import SipError
from sip.limits import CHALLENGE_LINES_MAX, CHALLENGE_MAX, MS, NONCE_LIFE, NONCES_MAX
from sip.messages.headers import text
from sip.messages.uri import parse

OFFERED = ("SHA-256", "MD5")
"""In this order (RFC 8760 section 2.3: the one we prefer comes first)."""
_NONCE = re.compile(r"([0-9a-f]{14})([0-9a-f]{8})([0-9a-f]{32})")
_COUNT = re.compile(r"[0-9A-Fa-f]{8}")


class User(msgspec.Struct, frozen=True):
    """Who may come in: a name, and H(name:realm:password) by algorithm, in hex."""

    name: str
    ha1: dict[str, str]

    def __repr__(self) -> str:
        """Without the secrets: this object ends up in logs."""
        return f"User({self.name!r}, ...)"


def user(name: str, realm: str, password: str) -> User:
    """A user from a password, which is forgotten."""
    return User(name, {name_: digest(name_)(f"{name}:{realm}:{password}") for name_ in OFFERED})


Outcome = Literal["right", "none", "wrong", "stale"]


class Verdict(msgspec.Struct, frozen=True):
    """What a request's credentials are worth.

    Attributes:
        outcome: "none": there are none for us, or of a nonce that is not ours; "wrong": a guess;
            "stale": right, but of a nonce that is too old, or said before.
        user: who it is, when it is "right".
    """

    outcome: Outcome
    user: str = ""


NONE = Verdict("none")
WRONG = Verdict("wrong")
STALE = Verdict("stale")


class DigestServer:
    """Challenges and judges. `users` is the caller's mapping by name; it may change at any time."""

    __slots__ = (
        "_algorithms",
        "_floor_ms",
        "_nobody",
        "_rng",
        "_secret",
        "_used",
        "realm",
        "users",
    )

    def __init__(
        self,
        realm: str,
        users: Mapping[str, User],
        rng: random.Random,
        algorithms: tuple[str, ...] = OFFERED,
    ) -> None:
        if not text(realm, "realm"):
            raise SipError("a realm without a name")
        if not algorithms or not set(algorithms) <= set(OFFERED):
            raise SipError(f"not algorithms of ours: {algorithms}")
        self._algorithms = algorithms
        self.realm = realm
        self.users = users
        self._rng = rng
        self._secret = rng.getrandbits(256).to_bytes(32, "big")
        self._nobody = {name: f"{rng.getrandbits(256):064x}" for name in OFFERED}
        self._used: dict[str, int] = {}  # the last count of each nonce that served, oldest first
        self._floor_ms = -1  # what was issued until then and is not among them may have served

    def challenge(self, host: str, now_ns: int, *, stale: bool = False, old: bool = False) -> bytes:
        """The WWW-Authenticate lines for a peer at `host`; `old` ones know MD5 only."""
        issued = f"{now_ns // MS:014x}"
        salt = f"{self._rng.getrandbits(32):08x}"
        nonce = issued + salt + self._seal(issued, salt, host)
        lines = [
            f"WWW-Authenticate: Digest realm={quote(self.realm)}, nonce={quote(nonce)}, "
            f"algorithm={algorithm}, qop={quote('auth')}{', stale=true' if stale else ''}\r\n"
            for algorithm in self._algorithms
            if not old or algorithm == "MD5" or len(self._algorithms) == 1
        ]
        return "".join(lines).encode()

    def _seal(self, issued: str, salt: str, host: str) -> str:
        what = f"{issued}{salt}{host}".encode()
        return hmac.digest(self._secret, what, "sha256")[:16].hex()

    def check(self, message: Message, host: str, now_ns: int) -> Verdict:
        """Judge the credentials of a request that came from `host`."""
        for value in message.get_all("Authorization")[:CHALLENGE_LINES_MAX]:
            if len(value) > CHALLENGE_MAX:
                continue
            for scheme, said in split(value.decode("utf-8", "replace"))[:1]:
                if scheme == "digest" and said.get("realm") == self.realm:
                    return self._judge(said, message, host, now_ns)
        return NONE

    def _judge(self, said: dict[str, str], message: Message, host: str, now_ns: int) -> Verdict:
        nonce = said.get("nonce", "")
        parts = _NONCE.fullmatch(nonce)
        if parts is None:
            return NONE
        if not hmac.compare_digest(self._seal(parts[1], parts[2], host), parts[3]):
            return NONE
        qop = said.get("qop", "").lower()
        count = said.get("nc", "")
        if qop not in {"", "auth"} or (qop and not _COUNT.fullmatch(count)):
            return WRONG
        algorithm = (said.get("algorithm") or "MD5").upper()
        if algorithm not in self._algorithms or not self._right(said, algorithm, message, qop):
            return WRONG
        issued_ms = int(parts[1], 16)
        # Without qop there is no count: such a nonce serves once.
        if not self._fresh(nonce, issued_ms, int(count, 16) if qop else 1 << 32, now_ns):
            return STALE
        return Verdict("right", said.get("username", ""))

    def _right(self, said: dict[str, str], algorithm: str, message: Message, qop: str) -> bool:
        """Whether the proof is right; an unknown user is checked for as long as a known one."""
        known = self.users.get(said.get("username", ""))
        ha1 = (known.ha1 if known is not None else self._nobody).get(algorithm, "")
        expected = proof(
            algorithm,
            ha1 or self._nobody[algorithm],
            said["nonce"],
            message.method,
            said.get("uri", ""),
            said.get("cnonce", ""),
            said.get("nc", ""),
            qop=bool(qop),
        )
        given = said.get("response", "").lower().encode("utf-8", "replace")
        same = hmac.compare_digest(expected.encode(), given)
        return same and bool(ha1) and known is not None and _same_place(said, message)

    def _fresh(self, nonce: str, issued_ms: int, count: int, now_ns: int) -> bool:
        """Whether the nonce is young enough and the count higher than before; it is kept then."""
        if now_ns // MS - issued_ms > NONCE_LIFE // MS:
            return False
        last = self._used.get(nonce)
        if (last is None and issued_ms <= self._floor_ms) or (last is not None and count <= last):
            return False
        self._used[nonce] = count
        oldest_ms = (now_ns - NONCE_LIFE) // MS
        while self._used:
            first = next(iter(self._used))
            first_ms = int(first[:14], 16)
            if first_ms >= oldest_ms and len(self._used) <= NONCES_MAX:
                break
            if first_ms >= oldest_ms:
                self._floor_ms = max(self._floor_ms, first_ms)
            del self._used[first]
        return True


def _same_place(said: dict[str, str], message: Message) -> bool:
    """Whether the credentials were made for this Request-URI (RFC 7616 section 3.4.6)."""
    try:
        there, here = parse(said.get("uri", "")), parse(message.uri)
    except SipError:
        return False
    return (there.user, there.host.lower()) == (here.user, here.host.lower())


assert set(OFFERED) <= {name.upper() for name in HASHES}  # noqa: S101 - a slip of ours, at import
