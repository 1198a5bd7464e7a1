"""HTTPS: the certificate by file, read again at SIGHUP; connections that are up go on."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

log = logging.getLogger(__name__)


class Certificate:
    """What new connections are greeted with.

    `context` is the server's for good and hands each of them to the one of the files as they were
    read last. A context keeps a certificate for each kind of key: an RSA one that is loaded over
    one of a curve stands beside it, and the old one goes on being shown.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read both; OSError (ssl.SSLError is one) when they cannot be used."""
        self._files = certificate, key
        self._now = self._read()
        self.context = _context()
        self.context.sni_callback = self._greet

    def _read(self) -> ssl.SSLContext:
        context = _context()
        context.load_cert_chain(*self._files, password=_no_password)
        return context

    def _greet(self, peer: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called for every connection, also where the peer names no host."""
        peer.context = self._now

    def read_again(self) -> bool:
        """Take the files as they are now; what cannot be used is logged and the old one stays."""
        certificate, _ = self._files
        try:
            self._now = self._read()
        except OSError as error:
            log.error("the certificate %s stays as it was: %s", certificate, error)
            return False
        log.info("the certificate %s was read again", certificate)
        return True


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    """A key with a password would be asked for at a terminal that is not there."""
    return ""
