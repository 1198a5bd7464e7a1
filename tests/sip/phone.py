"""A telephone as a hand-made peer of our registrar; its digests are computed here."""

from __future__ import annotations

import hashlib
import random
import re

from fastpath.sipscan import Message
from sip.accounts.admission import Admission
from sip.accounts.digest_server import User, user
from sip.accounts.registrar import Phones
from sip.endpoint import Endpoint
from sip.events import Address, SipEvent
from sip.transport.local import Local
from tests.sip.net import Us, read, request

REALM = "office.vn"
USERS: dict[str, User] = {name: user(name, REALM, f"{name}-secret") for name in ("1001", "1002")}
SERVER = ("192.0.2.1", 5060, 0)
DESK = ("198.51.100.5", 5062, 0)
HASHES = {"MD5": "md5", "SHA-256": "sha256"}


class Exchange(Us):
    """Our side as a registrar: flow 0 is the telephones' UDP, 1 their TCP, 2 the trunks' UDP."""

    def __init__(self, seed: int = 1, admission: Admission | None = None, **how: object) -> None:
        super().__init__(seed=seed)
        phones = Phones(**{"realm": REALM, "users": USERS, **how})  # type: ignore[arg-type]
        self.endpoint = Endpoint(
            Local("192.0.2.1", 5060, side="phone"),
            Local("192.0.2.1", 5060, transport="tcp", side="phone"),
            Local("192.0.2.1", 5080),
            rng=random.Random(seed),
            phones=phones,
            admission=admission,
        )

    def answers(self, data: bytes, source: Address) -> list[Message]:
        """What comes back at once."""
        before = len(self.sent)
        self.receive(data, source)
        out = self.sent[before:]
        del self.sent[before:]
        assert all(send.target == source for send in out)
        return [read(send.data) for send in out]

    def answer(self, data: bytes, source: Address = DESK) -> Message:
        [one] = self.answers(data, source)
        return one

    def where(self, name: str = "1001") -> list[str]:
        assert self.endpoint.registrar is not None
        return [found.request_uri for found in self.endpoint.registrar.lookup(name)]

    def facts(self, kind: type[SipEvent]) -> list[SipEvent]:
        return [event for event in self.told() if isinstance(event, kind)]


def nonces(message: Message) -> list[dict[str, str]]:
    """The challenges of a 401, in order."""
    lines = message.get_all("WWW-Authenticate")
    found = [dict(re.findall(r'(\w+)="?([^",]+)', line.decode())) for line in lines]
    assert found, "no challenge"
    return found


def credentials(
    nonce: str,
    method: str,
    uri: str,
    *,
    name: str = "1001",
    secret: str | None = None,
    algorithm: str = "SHA-256",
    nc: str | None = "00000001",
    cnonce: str = "abc",
    realm: str = REALM,
) -> str:
    """An Authorization line."""

    def h(text: str) -> str:
        return hashlib.new(HASHES[algorithm], text.encode()).hexdigest()

    secret = f"{name}-secret" if secret is None else secret
    ha1, ha2 = h(f"{name}:{realm}:{secret}"), h(f"{method}:{uri}")
    middle = f":{nc}:{cnonce}:auth" if nc is not None else ""
    proof = h(f"{ha1}:{nonce}{middle}:{ha2}")
    more = f', qop=auth, nc={nc}, cnonce="{cnonce}"' if nc is not None else ""
    return (
        f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{proof}", algorithm={algorithm}{more}\r\n'
    )


class Telephone:
    """One client: it counts its CSeq, and answers challenges."""

    serial = 0

    def __init__(
        self, exchange: Exchange, name: str = "1001", source: Address = DESK, **how: str
    ) -> None:
        Telephone.serial += 1
        self.exchange = exchange
        self.name = name
        self.source = source
        self.how = how
        self.cseq = 0
        self.call_id = f"phone-{Telephone.serial}"
        self.contact = f"<sip:{name}@{source[0]}:{source[1]}>"

    def data(
        self,
        method: str = "REGISTER",
        extra: str = "",
        contact: str | None = None,
        to: str = "",
        uri: str = "",
        **fields: object,
    ) -> bytes:
        self.cseq += 1
        default = f"sip:{REALM}" if method == "REGISTER" else f"sip:9@{REALM}"
        aor = f"sip:{self.name}@{REALM}"
        written = request(
            method,
            uri=uri or default,
            branch=f"z9hG4bK{self.call_id}{self.cseq}",
            call_id=self.call_id,
            to=to or f"<{aor}>",
            cseq=self.cseq,
            contact=self.contact if contact is None else contact,
            extra=extra,
            via=f"{self.source[0]}:{self.source[1]};rport",
            **fields,  # type: ignore[arg-type]
        )
        return written.replace(b"<sip:84900000000@192.0.2.2>", f"<{aor}>".encode())

    def nonce(self, **fields: object) -> str:
        """Ask without credentials; the nonce of the challenge."""
        message = self.exchange.answer(self.data(**fields), self.source)  # type: ignore[arg-type]
        assert message.status == 401
        return nonces(message)[0]["nonce"]

    def said(self, nonce: str, method: str = "REGISTER", **fields: object) -> bytes:
        """The request with credentials for a nonce."""
        uri = f"sip:{REALM}" if method == "REGISTER" else f"sip:9@{REALM}"
        how: dict[str, str] = {"name": self.name, **self.how}
        line = credentials(nonce, method, uri, **how)  # type: ignore[arg-type]
        extra = str(fields.pop("extra", ""))
        return self.data(method, extra=extra + line, **fields)  # type: ignore[arg-type]

    def send(self, method: str = "REGISTER", **fields: object) -> Message:
        """Ask, and ask again with credentials; the answer."""
        nonce = self.nonce(method=method, **fields)
        return self.exchange.answer(self.said(nonce, method, **fields), self.source)

    def register(self, expires: int = 600, **fields: object) -> Message:
        return self.send(extra=f"Expires: {expires}\r\n", **fields)
