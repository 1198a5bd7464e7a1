"""Digest access authentication, client side: RFC 7616 and 8760 (RFC 2617's MD5 included).

A peer may send several challenges, in one header or several; the first whose algorithm and qop we
know is answered
(RFC 8760 section 2.4). Without qop the answer is RFC 2069's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

import msgspec

from sip.limits import CHALLENGE_MAX

_HASHES: dict[str, str] = {"md5": "md5", "sha-256": "sha256", "sha-512-256": "sha512_256"}
_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"  # noqa: S105 - a grammar token
_PIECE = re.compile(
    rf'\s*(?:({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|({_TOKEN})(?=\s))\s*,?', re.DOTALL
)


class Credentials(msgspec.Struct, frozen=True):
    """Who we are to the peer."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Without the password: this object ends up in logs."""
        return f"Credentials({self.username!r}, ...)"


class Challenge(msgspec.Struct, frozen=True):
    """One Digest challenge; `proxy` tells 407's from 401's."""

    realm: str
    nonce: str
    algorithm: str  # as the peer wrote it; "" when it did not
    qop: bool  # qop=auth is offered
    opaque: str | None
    stale: bool
    proxy: bool


def _split(value: str) -> list[tuple[str, dict[str, str]]]:
    """The challenges of one header: (scheme, parameters)."""
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while at < len(value):
        piece = _PIECE.match(value, at)
        if piece is None or piece.end() == at:
            break
        name, quoted, plain, scheme = piece.groups()
        if scheme is not None:
            found.append((scheme.lower(), {}))
        elif found:
            text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            found[-1][1].setdefault(name.lower(), text)
        at = piece.end()
    return found


def challenges(values: Iterable[bytes], *, proxy: bool) -> list[Challenge]:
    """The Digest challenges of these header values that we can answer, in order of appearance."""
    found = []
    for value in values:
        if len(value) > CHALLENGE_MAX:
            continue
        for scheme, p in _split(value.decode("utf-8", "replace")):
            algorithm = p.get("algorithm", "")
            qops = {q.strip().lower() for q in p["qop"].split(",")} if "qop" in p else set()
            if (
                scheme == "digest"
                and "nonce" in p
                and "realm" in p
                and (algorithm.lower().removesuffix("-sess") or "md5") in _HASHES
                and (not qops or "auth" in qops)
            ):
                stale = p.get("stale", "").lower() == "true"
                found.append(
                    Challenge(
                        p["realm"], p["nonce"], algorithm, bool(qops), p.get("opaque"), stale, proxy
                    )
                )
    return found


def _digest(algorithm: str) -> Callable[[str], str]:
    name = _HASHES[algorithm.lower().removesuffix("-sess") or "md5"]
    return lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def response(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str, nc: int = 1
) -> str:
    """The `response` value (RFC 7616 section 3.4.1)."""
    h = _digest(challenge.algorithm)
    secret = h(f"{credentials.username}:{challenge.realm}:{credentials.password}")
    if challenge.algorithm.lower().endswith("-sess"):
        secret = h(f"{secret}:{challenge.nonce}:{cnonce}")
    what = h(f"{method}:{uri}")
    if challenge.qop:
        return h(f"{secret}:{challenge.nonce}:{nc:08x}:{cnonce}:auth:{what}")
    return h(f"{secret}:{challenge.nonce}:{what}")


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def authorization(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str, nc: int = 1
) -> bytes:
    """The whole Authorization or Proxy-Authorization line, CRLF included."""
    parts = [
        f"username={_quote(credentials.username)}",
        f"realm={_quote(challenge.realm)}",
        f"nonce={_quote(challenge.nonce)}",
        f"uri={_quote(uri)}",
        f'response="{response(challenge, credentials, method, uri, cnonce, nc)}"',
    ]
    if challenge.algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.qop:
        parts.append(f'qop=auth, nc={nc:08x}, cnonce="{cnonce}"')
    if challenge.opaque is not None:
        parts.append(f"opaque={_quote(challenge.opaque)}")
    name = "Proxy-Authorization" if challenge.proxy else "Authorization"
    line = f"{name}: Digest {', '.join(parts)}"
    # A challenge's own text comes back here: a quoted CR or LF of it must not make a line of ours.
    return re.sub(r"[\x00-\x1f\x7f]", " ", line).encode() + b"\r\n"
