"""A certificate authority for tests, made with the openssl program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sip.transport.io_tls import TlsOptions


class Authority:
    """Signs certificates in a folder. Keys are of an elliptic curve: they are made at once."""

    def __init__(self, folder: Path) -> None:
        assert shutil.which("openssl"), "openssl is missing: apt-get install openssl"
        self.folder = folder
        self.file = folder / "authority.pem"
        self._key = folder / "authority.key"
        self._run(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", self._key, "-out", self.file, "-days", "2", "-subj", "/CN=test authority",
        )  # fmt: skip

    @staticmethod
    def _run(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def issue(self, name: str, *alternatives: str) -> tuple[Path, Path]:
        """Certificate and key of `name`; alternatives as openssl writes them, "DNS:host"."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        wanted, extra = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extra.write_text("subjectAltName=" + ",".join(alternatives or (f"DNS:{name}",)))
        self._run(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", wanted, "-subj", f"/CN={name}",
        )  # fmt: skip
        self._run(
            "x509", "-req", "-in", wanted, "-CA", self.file, "-CAkey", self._key,
            "-CAcreateserial", "-out", certificate, "-days", "2", "-extfile", extra,
        )  # fmt: skip
        return certificate, key

    def options(self, name: str, *alternatives: str, **more: object) -> TlsOptions:
        """What a transport needs to be `name` and to believe our certificates."""
        certificate, key = self.issue(name, *alternatives)
        return TlsOptions(certificate, key, self.file, **more)  # type: ignore[arg-type]
