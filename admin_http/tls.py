"""HTTPS: the certificate by file, read again at SIGHUP; connections that are up go on."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

log = logging.getLogger(__name__)


class Certificate:
    """What new connections are greeted with."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read both; OSError (ssl.SSLError is one) when they cannot be used."""
        self._files = certificate, key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self.context.load_cert_chain(certificate, key, password=_no_password)

    def read_again(self) -> bool:
        """Take the files as they are now; what cannot be used is logged and the old one stays."""
        certificate, key = self._files
        try:  # on another one first: half of a pair must not be taken
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                certificate, key, password=_no_password
            )
            self.context.load_cert_chain(certificate, key, password=_no_password)
        except OSError as error:
            log.error("the certificate %s stays as it was: %s", certificate, error)
            return False
        log.info("the certificate %s was read again", certificate)
        return True


def _no_password() -> str:
    """A key with a password would be asked for at a terminal that is not there."""
    return ""
