"""Digest access authentication, client side: RFC 7616 and 8760 (RFC 2617's MD5 included).

A peer may send several challenges, in one header or several, for one realm or several. For each
realm the strongest one that we know is answered (RFC 8760 section 2.4 leaves the choice to the
client). Without qop the answer is RFC 2069's; auth-int alone is not answered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

import msgspec

from fastpath.sipscan import Message
from sip.limits import CHALLENGE_LINES_MAX, CHALLENGE_MAX, CHALLENGES_MAX, REALMS_MAX
from sip.messages.headers import text

HASHES: dict[str, str] = {"md5": "md5", "sha-256": "sha256", "sha-512-256": "sha512_256"}
_STRENGTH = tuple(HASHES)
_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"  # noqa: S105 - a grammar token
_PIECE = re.compile(
    rf'[\s,]*(?:({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|({_TOKEN})(?=[\s,]|$))',
    re.DOTALL,
)


class Credentials(msgspec.Struct, frozen=True):
    """Who we are to the peer. With a `realm`, only that one's challenges are answered."""

    username: str
    password: str
    realm: str = ""

    def __post_init__(self) -> None:
        """SipError for what cannot stand in a header or cannot be hashed."""
        for name in ("username", "password", "realm"):
            text(getattr(self, name), name)

    def __repr__(self) -> str:
        """Without the password: this object ends up in logs."""
        return f"Credentials({self.username!r}, ...)"


class Challenge(msgspec.Struct, frozen=True):
    """One Digest challenge; `proxy` tells Proxy-Authenticate from WWW-Authenticate."""

    realm: str
    nonce: str
    algorithm: str  # as the peer wrote it; "" when it did not
    qop: bool  # qop=auth is offered
    opaque: str | None
    stale: bool
    proxy: bool


def split(value: str) -> list[tuple[str, dict[str, str]]]:
    """The challenges or credentials of one header: (scheme, parameters), names in lower case."""
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while (piece := _PIECE.match(value, at)) is not None:
        name, quoted, plain, scheme = piece.groups()
        if scheme is not None:
            found.append((scheme.lower(), {}))
        elif found:
            text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            found[-1][1].setdefault(name.lower(), text)
        at = piece.end()
    return found


def _kind(algorithm: str) -> str:
    """The hash of an algorithm, MD5 when none is named; "" is one we do not know."""
    name = algorithm.lower().removesuffix("-sess") or "md5"
    return name if name in HASHES else ""


def challenges(values: Iterable[bytes], *, proxy: bool) -> list[Challenge]:
    """The Digest challenges of these header values that we can answer, in order of appearance."""
    found = []
    for value in list(values)[:CHALLENGE_LINES_MAX]:
        if len(value) > CHALLENGE_MAX:
            continue
        for scheme, p in split(value.decode("utf-8", "replace")):
            algorithm = p.get("algorithm", "")
            qops = {q.strip().lower() for q in p["qop"].split(",")} if "qop" in p else set()
            if (
                scheme == "digest"
                and "nonce" in p
                and "realm" in p
                and _kind(algorithm)
                and (not qops or "auth" in qops)
            ):
                stale = p.get("stale", "").lower() == "true"
                found.append(
                    Challenge(
                        p["realm"], p["nonce"], algorithm, bool(qops), p.get("opaque"), stale, proxy
                    )
                )
    return found


def digest(algorithm: str) -> Callable[[str], str]:
    """The hash function of an algorithm we know."""
    name = HASHES[_kind(algorithm)]
    return lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def proof(
    algorithm: str, ha1: str, nonce: str, method: str, uri: str, cnonce: str, nc: str, *, qop: bool
) -> str:
    """The `response` value (RFC 7616 section 3.4.1) from H(user:realm:password)."""
    h = digest(algorithm)
    if algorithm.lower().endswith("-sess"):
        ha1 = h(f"{ha1}:{nonce}:{cnonce}")
    what = h(f"{method}:{uri}")
    return h(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{what}" if qop else f"{ha1}:{nonce}:{what}")


def response(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str, nc: int = 1
) -> str:
    """The `response` value for a challenge."""
    h = digest(challenge.algorithm)
    ha1 = h(f"{credentials.username}:{challenge.realm}:{credentials.password}")
    return proof(
        challenge.algorithm,
        ha1,
        challenge.nonce,
        method,
        uri,
        cnonce,
        f"{nc:08x}",
        qop=challenge.qop,
    )


def quote(text: str) -> str:
    """A quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def authorization(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str, nc: int = 1
) -> bytes:
    """The whole Authorization or Proxy-Authorization line, CRLF included."""
    parts = [
        f"username={quote(credentials.username)}",
        f"realm={quote(challenge.realm)}",
        f"nonce={quote(challenge.nonce)}",
        f"uri={quote(uri)}",
        f'response="{response(challenge, credentials, method, uri, cnonce, nc)}"',
    ]
    if challenge.algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.qop:
        parts.append(f'qop=auth, nc={nc:08x}, cnonce="{cnonce}"')
    elif challenge.algorithm.lower().endswith("-sess"):
        parts.append(f'cnonce="{cnonce}"')  # without it the server could not compute A1
    if challenge.opaque is not None:
        parts.append(f"opaque={quote(challenge.opaque)}")
    name = "Proxy-Authorization" if challenge.proxy else "Authorization"
    line = f"{name}: Digest {', '.join(parts)}"
    # A challenge's own text comes back here: a quoted CR or LF of it must not make a line of ours.
    return re.sub(r"[\x00-\x1f\x7f]", " ", line).encode() + b"\r\n"


class _Known:
    """A challenge that we answer, and how often we did.

    One cnonce for all of it: with -sess the key is made from the first (RFC 7616 section 3.4.2).
    """

    __slots__ = ("challenge", "cnonce", "count")

    def __init__(self, challenge: Challenge, cnonce: str) -> None:
        self.challenge = challenge
        self.cnonce = cnonce
        self.count = 0


class DigestClient:
    """Answers challenges, and says known answers again with later requests (RFC 7616 section 3.6).

    One per dialog or registration: requests of it count on the same nonces.

    What a peer sends cannot keep us busy: a request is sent again at most `CHALLENGES_MAX` times; a
    realm that refuses the answer to its challenge gets another only for stale=true and a new nonce,
    once.
    """

    __slots__ = ("_credentials", "_known", "_tried", "rounds")

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._known: dict[tuple[str, bool], _Known] = {}
        self._tried: dict[tuple[str, bool], int] = {}
        self.rounds = 0

    def begin(self, method: str, uri: bytes) -> bytes:
        """A new request: the lines for what is known already, mostly none."""
        self.rounds = 0
        self._tried.clear()
        return self._lines(method, uri) if self._known else b""

    def forget(self) -> None:
        """Say nothing unasked any more: the next request goes to somebody else."""
        self._known.clear()

    def answer(self, message: Message, method: str, uri: bytes, cnonce: bytes) -> bytes:
        """The lines that answer this 401 or 407; empty when we cannot, or did so in vain.

        `cnonce` is a random token, used where a challenge is new.
        What another server of the path accepted before is said again (RFC 3261 section 22.3).
        """
        asked = self._asked(message)
        tried = {(c.realm, c.proxy): self._tried.get((c.realm, c.proxy), 0) + 1 for c in asked}
        # A realm that does not ask again has accepted what it got.
        self._tried = tried
        self.rounds += 1
        if not asked or self.rounds > CHALLENGES_MAX or not self._take(asked, cnonce.decode()):
            for who in tried:
                self._known.pop(who, None)
            return b""
        return self._lines(method, uri)

    def _take(self, asked: list[Challenge], cnonce: str) -> bool:
        """Remember these challenges; whether all of them are worth an answer."""
        for challenge in asked:
            who = challenge.realm, challenge.proxy
            known = self._known.get(who)
            same = known is not None and known.challenge.nonce == challenge.nonce
            tries = self._tried[who]
            if tries > 2 or (tries == 2 and (same or not challenge.stale)):
                return False
            if same:
                continue  # it was said unasked, for another method: its count goes on
            if known is None and len(self._known) >= REALMS_MAX:
                return False
            self._known[who] = _Known(challenge, cnonce)
        return True

    def _asked(self, message: Message) -> list[Challenge]:
        """The strongest challenge of each realm, in order of appearance.

        A forking proxy may put both headers into one response (RFC 3261 section 22.3).
        """
        found = challenges(message.get_all("WWW-Authenticate"), proxy=False)
        found += challenges(message.get_all("Proxy-Authenticate"), proxy=True)
        best: dict[tuple[str, bool], Challenge] = {}
        for challenge in found:
            if self._credentials.realm and challenge.realm != self._credentials.realm:
                continue
            other = best.get((challenge.realm, challenge.proxy))
            if other is None or _rank(challenge) > _rank(other):
                best[challenge.realm, challenge.proxy] = challenge
        return list(best.values())

    def _lines(self, method: str, uri: bytes) -> bytes:
        lines, place = [], uri.decode("utf-8", "replace")
        for known in self._known.values():
            known.count += 1
            lines.append(
                authorization(
                    known.challenge, self._credentials, method, place, known.cnonce, known.count
                )
            )
        return b"".join(lines)


def _rank(challenge: Challenge) -> int:
    return _STRENGTH.index(_kind(challenge.algorithm))
