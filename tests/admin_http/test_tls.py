"""HTTPS: the process with a certificate, cookies by it, and another certificate while it runs."""

from __future__ import annotations

import contextlib
import http.client
import logging
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from admin_http.people.roles import USERS, Role, User
from admin_http.people.store import AdminStore
from admin_http.tls import Certificate
from admin_http.tokens import utc_now
from dialerd.cli.main import cli
from dialerd.config import ConfigError, load
from dialerd.store import open_store
from tests.admin_http.site import PASSWORD, hashed
from tests.admin_http.test_process import process
from tests.ports import free_port
from tests.waiting import until


def configure(folder: Path, port: int, extra: str = "") -> Path:
    path = folder / "dialerd.toml"
    path.write_text(
        '[store]\npath = "data"\n[control]\nsocket = "c.sock"\n'
        f'[admin]\nport = {port}\ncertificate = "tls/server.crt"\nkey = "tls/server.key"\n{extra}'
    )
    return path


def make(folder: Path, *words: str) -> Path:
    place = folder / "tls"
    done = CliRunner().invoke(cli, ["tls", "init", "--folder", str(place), *words])
    assert done.exit_code == 0, done.output
    return place


def connect(port: int, authority: Path) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(authority))
    return http.client.HTTPSConnection("localhost", port, timeout=200, context=context)


def serial(connection: http.client.HTTPSConnection) -> str:
    assert isinstance(connection.sock, ssl.SSLSocket)
    shown = connection.sock.getpeercert()
    assert shown is not None
    return str(shown["serialNumber"])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_is_served_by_tls_and_renewed_without_losing_a_connection(tmp_path: Path) -> None:
    port, folder = free_port(), make(tmp_path)
    path = configure(tmp_path, port)
    open_store(tmp_path / "data").close()
    admin = AdminStore(tmp_path / "data")
    user = User(name="lan", role=Role.ADMIN, created_at=utc_now(), password=hashed())
    admin.write(lambda txn: txn.put(USERS, user))
    admin.close()
    with process(path) as running:
        until(lambda: listens(port))
        first = connect(port, folder / "ca.crt")
        body = msgspec.json.encode({"user": "lan", "password": PASSWORD})
        first.request("POST", "/v1/session", body, {"Content-Type": "application/json"})
        answer = first.getresponse()
        answer.read()
        assert answer.status == 201
        assert answer.getheader("Strict-Transport-Security") == "max-age=31536000"
        cookie = answer.getheader("Set-Cookie") or ""
        assert cookie.startswith("__Host-dialerd_session=lan:")
        assert "; Secure" in cookie
        before = serial(first)
        make(tmp_path, "--renew")
        running.send_signal(signal.SIGHUP)

        def renewed() -> bool:
            again = connect(port, folder / "ca.crt")
            again.connect()
            try:
                return serial(again) != before
            finally:
                again.close()

        until(renewed)
        first.request("GET", "/v1/session", headers={"Cookie": cookie.partition(";")[0]})
        answer = first.getresponse()
        assert (answer.status, msgspec.json.decode(answer.read())["user"]) == (200, "lan")
        assert serial(first) == before  # the same connection
        first.close()
        plain = http.client.HTTPConnection("localhost", port, timeout=200)
        with pytest.raises((http.client.BadStatusLine, ConnectionError)):
            plain.request("GET", "/v1/health/live")
            plain.getresponse()
        plain.close()


def test_half_of_a_pair_is_not_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = make(tmp_path)
    served = Certificate(folder / "server.crt", folder / "server.key")
    good = (folder / "server.crt").read_bytes()
    make(tmp_path, "--renew")
    (folder / "server.crt").write_bytes(good)  # beside the new key
    with caplog.at_level(logging.ERROR):
        assert served.read_again() is False
    assert "stays as it was" in caplog.text
    make(tmp_path, "--renew")
    assert served.read_again() is True


def shown(served: Certificate) -> bytes:
    """The certificate that a connection is greeted with, which names no host."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    ours = context.wrap_bio(back, there)
    theirs = served.context.wrap_bio(there, back, server_side=True)
    for side in (ours, theirs, ours, theirs):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert ours.selected_alpn_protocol() == "http/1.1"
    return ours.getpeercert(binary_form=True) or b""


def test_one_of_another_kind_of_key_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    folder = make(tmp_path)
    file, key = folder / "server.crt", folder / "server.key"
    served = Certificate(file, key)
    assert shown(served) == ssl.PEM_cert_to_DER_cert(file.read_text())
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rsa",
         "-keyout", str(key), "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip
    assert served.read_again() is True
    assert shown(served) == ssl.PEM_cert_to_DER_cert(file.read_text())


@pytest.mark.parametrize(
    ("admin", "text"),
    [
        ('bind = "0.0.0.0"', "loopback only"),
        ('certificate = "tls/server.crt"', "without a key"),
        ('key = "tls/server.key"', "without a certificate"),
        ('certificate = "none.crt"\nkey = "tls/server.key"', "none.crt"),
    ],
)
def test_configurations_that_are_refused(tmp_path: Path, admin: str, text: str) -> None:
    make(tmp_path)
    path = tmp_path / "dialerd.toml"
    path.write_text(f"[admin]\n{admin}\n")
    with pytest.raises(ConfigError, match=text):
        load(path)


def test_with_a_certificate_any_address_is_served(tmp_path: Path) -> None:
    folder = make(tmp_path)
    config = load(configure(tmp_path, 1, 'bind = "0.0.0.0"\n'))
    assert config.admin.certificate == folder / "server.crt"
    (folder / "server.key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(tmp_path / "dialerd.toml")
