"""`dialerd tls init`: an authority of one's own, judged by openssl."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from dialerd.cli import main


def openssl(*words: str) -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=True)
    return done.stdout


def test_init_makes_a_certificate_that_is_good_for_its_hosts(command, config: Path) -> None:
    done = command("tls", "init", "--host", "dialer.example.org", "--host", "192.0.2.10")
    assert done.code == main.OK, done.err
    folder = config.parent / "data" / "tls"
    ca, server = str(folder / "ca.crt"), str(folder / "server.crt")
    assert str(folder / "server.crt") in done.out
    for check in (
        ("-verify_hostname", "dialer.example.org"),
        ("-verify_hostname", "localhost"),
        ("-verify_ip", "192.0.2.10"),
    ):
        assert "OK" in openssl(
            "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca, *check, server
        )
    with pytest.raises(subprocess.CalledProcessError):
        openssl("verify", "-CAfile", ca, "-verify_hostname", "evil.example", server)
    assert {one.name for one in folder.iterdir()} == {
        "ca.key",
        "ca.crt",
        "server.key",
        "server.crt",
    }
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_nothing_is_written_over_but_by_renew(command, config: Path) -> None:
    folder = config.parent / "data" / "tls"
    done = command("tls", "init", "--renew")
    assert (done.code, "no" in done.err) == (main.FAILED, True)
    assert not folder.exists()
    command("tls", "init")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert command("tls", "init").code == main.FAILED
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert command("tls", "init", "--renew").code == main.OK
    after = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"server.key", "server.crt"}
    assert "OK" in openssl("verify", "-CAfile", str(folder / "ca.crt"), str(folder / "server.crt"))


@pytest.mark.parametrize("host", ["", "a b", "x,DNS:evil", "x\nkeyUsage=any", "-x", "ä.example"])
def test_hosts_that_are_none(command, config: Path, host: str) -> None:
    done = command("tls", "init", f"--host={host}")
    assert done.code == main.FAILED
    assert "no name or address" in done.err
    assert not (config.parent / "data" / "tls").exists()


def test_without_openssl(command, monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    monkeypatch.setenv("PATH", str(config.parent))
    done = command("tls", "init")
    assert (done.code, "apt-get install openssl" in done.err) == (main.FAILED, True)
