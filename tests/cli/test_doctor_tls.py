"""What `dialerd doctor` says of certificates: good, ended, soon to end, of another pair, none."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialerd.cli import checkup_config as named
from dialerd.cli.checkup import Level


@pytest.fixture
def pair(tmp_path: Path):
    """Makes a certificate with its key, valid for so many days from now (or ended so long ago)."""

    def make(name: str, days: int) -> tuple[Path, Path]:
        certificate, key = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        now = datetime.now(UTC)
        begins, ends = (
            min(now, now + timedelta(days=days)) - timedelta(days=9),
            now + timedelta(days),
        )
        form = "%Y%m%d%H%M%SZ"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", str(key), "-subj", "/CN=dialerd"],
            capture_output=True, check=True, stdin=subprocess.DEVNULL, cwd=tmp_path,
        )  # fmt: skip
        (tmp_path / "index.txt").write_text("")
        subprocess.run(
            ["openssl", "req", "-new", "-key", str(key), "-subj", "/CN=dialerd", "-out", "r.csr"],
            capture_output=True, check=True, cwd=tmp_path,
        )  # fmt: skip
        (tmp_path / "ca.cnf").write_text(
            "[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\nrand_serial=yes\ndefault_md=sha256\n"
            "new_certs_dir=.\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
        )
        subprocess.run(
            ["openssl", "ca", "-config", "ca.cnf", "-selfsign", "-keyfile", str(key), "-in",
             "r.csr", "-out", str(certificate), "-batch", "-startdate", begins.strftime(form),
             "-enddate", ends.strftime(form)],
            capture_output=True, check=True, cwd=tmp_path,
        )  # fmt: skip
        key.chmod(0o600)
        return certificate, key

    return make


def check(certificate: Path, key: Path | None) -> tuple[Level, str]:
    ((_, level, text, _),) = named.certificates([("SIP", certificate, key)], datetime.now(UTC))
    return level, text


def test_certificates(pair, tmp_path: Path) -> None:
    assert check(*pair("good", 400)) == (Level.OK, f"{tmp_path}/good.pem is valid for 399 days")
    level, text = check(*pair("ended", -2))
    assert level is Level.FAIL
    assert "expired on" in text
    assert check(*pair("soon", 5))[0] is Level.WARN
    good, key = tmp_path / "good.pem", tmp_path / "good.key"
    assert check(good, tmp_path / "soon.key")[0] is Level.FAIL  # of another pair
    key.chmod(0o644)
    assert check(good, key)[0] is Level.WARN
    assert check(tmp_path / "none.pem", None)[0] is Level.FAIL


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\x00\xff" * 9]
)
def test_what_is_no_certificate(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.pem"
    file.write_text(text)
    assert check(file, None)[0] is Level.FAIL
