"""TLS for a connection, as a filter between its socket and its framing (RFC 3261 26, RFC 5922).

TLS 1.2 at least. We check the certificate of whomever we connect to: its chain against our
`authorities` or the system's, its names by `sip.transport.certificate`.
"""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path
from typing import Literal

import msgspec

from sip.transport.certificate import covers

READ_BYTES = 65_536


class TlsOptions(msgspec.Struct, frozen=True):
    """What one TLS transport shows and demands.

    Attributes:
        certificate: our chain, PEM; its first certificate is ours. None: we only connect.
        key: its private key, PEM; None when it is in `certificate`.
        authorities: PEM of those whose certificates are believed; None: the system's.
        clients: certificates of those who connect to us: not asked for, checked when they have
            one, or demanded.
        verify: whether whomever we connect to must prove the name we looked for.
    """

    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None
    clients: Literal["ignore", "ask", "demand"] = "ignore"
    verify: bool = True


class TlsContexts:
    """Both sides of one TLS transport. OSError or ssl.SSLError when a file is not as it should."""

    def __init__(self, options: TlsOptions) -> None:
        self.options = options
        self.server = _context(ssl.PROTOCOL_TLS_SERVER, options)
        self.server.verify_mode = {
            "ignore": ssl.CERT_NONE, "ask": ssl.CERT_OPTIONAL, "demand": ssl.CERT_REQUIRED,
        }[options.clients]  # fmt: skip
        self.client = _context(ssl.PROTOCOL_TLS_CLIENT, options)
        self.client.check_hostname = False  # `sip.transport.certificate` knows SIP's names too
        self.client.verify_mode = ssl.CERT_REQUIRED if options.verify else ssl.CERT_NONE


def _context(protocol: int, options: TlsOptions) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if options.certificate is not None:
        context.load_cert_chain(options.certificate, options.key)
    if options.authorities is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(options.authorities)
    return context


class TlsFilter:
    """One connection's TLS. What it has for the peer is in `take` after every call.

    Attributes:
        open: the handshake is over and the peer is who it should be.
        ended: the peer has said that nothing follows.
    """

    __slots__ = ("_incoming", "_name", "_outgoing", "_tls", "_verify", "ended", "open")

    def __init__(self, contexts: TlsContexts, name: str | None) -> None:
        """`name` is who we connect to; None: they connected to us. Ssl.SSLError on a fault."""
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._name = name
        self._verify = contexts.options.verify
        self.open = self.ended = False
        context = contexts.server if name is None else contexts.client
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, name is None, _indication(name)
        )
        if name is not None:
            self._shake()

    def covers(self, name: str) -> bool:
        """Whether the peer's certificate speaks for this name too."""
        return not self._verify or covers(self._tls.getpeercert() or {}, name)

    def feed(self, data: bytes) -> bytes:
        """What the peer says in these bytes; ssl.SSLError when it cannot be believed."""
        self._incoming.write(data)
        if not self.open:
            self._shake()
            if not self.open:
                return b""
        parts = []
        try:
            while part := self._tls.read(READ_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return b"".join(parts)

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        if self._name is not None and not self.covers(self._name):
            raise ssl.SSLCertVerificationError(f"the certificate is not {self._name}'s")
        self.open = True

    def send(self, data: bytes) -> None:
        """Encrypt for the peer; only when `open`."""
        self._tls.write(data)

    def end(self) -> None:
        """Say that nothing follows (close_notify)."""
        # it only waits for the peer's own, or the handshake was never over
        with contextlib.suppress(ssl.SSLError, ValueError):
            self._tls.unwrap()

    def take(self) -> bytes:
        """The bytes for the peer."""
        return self._outgoing.read()


def _indication(name: str | None) -> str | None:
    """The server name indication: host names only (RFC 6066 section 3)."""
    if name is None or ":" in name or name.replace(".", "").isdigit():
        return None
    return name
