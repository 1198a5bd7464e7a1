"""The options of `dialerd call`, each against a peer that must agree with what we report."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from dialerd.config import Trunk, TrunkTransport
from dialerd.core.numbering import load_numbering
from dialerd.shell.call_plan import binds_of
from dialerd.shell.call_words import CallOptions, Via
from dialerd.shell.sip_stack import Bind, StackSettings
from sip.messages.uri import Uri
from sip.transport.io_tls import TlsOptions
from tests.interop.listening import called, dialerd_program, listening, names
from tests.interop.sipp import sipp
from tests.lines.test_sip_line import PLAN
from tests.ports import free_port, media_ports
from tests.sip.authority import Authority

NUMBER = load_numbering(PLAN).number("0912 345 678")
CONFIG = """
[[trunk]]
name = "gateway"
host = "127.0.0.1"
port = {port}
username = "account"
password = "secret"
from_user = "{{account}}"
asserted_identity = "<sip:{{caller_id}}@example.com>"
number_format = "national"
codecs = ["PCMA"]
"""
OURS = """
[sip]
bind = "127.0.0.3"
advertised = "198.51.100.7"
user_agent = "ours"
[media]
bind = "127.0.0.3"
port_low = {}
port_high = {}
"""


def at(port: int, host: str = "127.0.0.1", scheme: str = "sip") -> str:
    return f"{scheme}:+84912345678@{host}:{port}"


def test_hold_and_resume_as_sipp_expects_them(tmp_path) -> None:
    with sipp(tmp_path, "held") as peer:
        code, report, _ = called(at(peer.port), "--hold-ms", "200")
        judged = peer.finish()
    assert judged["successful"] == 1
    assert code == 0
    happened = names(report)
    assert happened.index("answered") < happened.index("held") < happened.index("resumed")
    assert report["held_ms"] >= 200


def test_who_refuses_a_hold_is_reported(tmp_path) -> None:
    with sipp(tmp_path, "uas") as peer:
        code, report, _ = called(at(peer.port), "--hold-ms", "100", "--seconds", "1")
        peer.stop()
    assert code == 0
    assert report["answer_ms"] is not None
    assert report["held_ms"] == 0


def test_a_blind_transfer_and_its_notifies(tmp_path) -> None:
    with sipp(tmp_path, "transferred") as peer:
        code, report, _ = called(at(peer.port), "--transfer", "sip:other@192.0.2.9")
        judged = peer.finish()
    assert judged["successful"] == 1
    assert code == 0
    assert report["transfer"] == {"to": "sip:other@192.0.2.9", "code": 200, "done": True}
    assert "transferred" in names(report)


def test_a_transfer_that_nobody_takes() -> None:
    with listening("--calls", "1") as peer:
        code, report, _ = called(at(peer.port), "--transfer", "sip:other@192.0.2.9")
        peer.finish()
    assert code == 0
    assert (report["transfer"]["code"], report["transfer"]["done"]) == (603, False)
    assert "transfer_declined" in peer.events()


def test_auth_answers_a_challenge(tmp_path) -> None:
    with sipp(tmp_path, "challenges") as peer:
        code, _, _ = called(at(peer.port), "--auth", "account:secret", "--seconds", "0")
        judged = peer.finish()
    assert (code, judged["successful"]) == (0, 1)


def test_from_may_be_a_whole_uri(tmp_path) -> None:
    with sipp(tmp_path, "uas", 1, "-trace_msg", "-message_file", str(tmp_path / "said")) as peer:
        code, _, _ = called(at(peer.port), "--from", "sip:1900@carrier.example", "--seconds", "0")
        peer.finish()
    assert code == 0
    assert "From: <sip:1900@carrier.example>;tag=" in (tmp_path / "said").read_text()


def test_via_trunk_speaks_as_the_configuration_says(tmp_path) -> None:
    said = tmp_path / "said"
    low, high = media_ports()
    with sipp(tmp_path, "challenges", 1, "-trace_msg", "-message_file", str(said)) as peer:
        config = tmp_path / "dialerd.toml"
        config.write_text(CONFIG.format(port=peer.port) + OURS.format(low, high))
        config.chmod(0o600)
        code, report, _ = called(
            "0912345678", "--via-trunk", "gateway", "-c", str(config), "--from", "842873001234",
            "--seconds", "0",
        )  # fmt: skip
        judged = peer.finish()
    text = said.read_text()
    assert (code, judged["successful"]) == (0, 1)
    assert f"INVITE sip:0912345678@127.0.0.1:{peer.port} SIP/2.0" in text
    assert "From: " in text
    assert "<sip:account@" in text
    assert "P-Asserted-Identity: <sip:842873001234@example.com>" in text
    invite = text[text.index("INVITE sip:") :].partition("\n\n\n")[0]
    found = re.search(r"m=audio (\d+) RTP/AVP 8 101", invite)
    assert found is not None
    assert low <= int(found[1]) <= high
    assert "c=IN IP4 198.51.100.7" in invite
    assert "Via: SIP/2.0/UDP 198.51.100.7:" in invite
    assert "User-Agent: ours" in invite
    assert report["local"].startswith("127.0.0.3:")
    assert report["outcome"] == "answered"


def test_a_trunk_s_socket_is_that_of_its_transport_and_the_command_line_comes_first() -> None:
    mine, theirs = TlsOptions(Path("c.pem"), Path("k.pem")), TlsOptions(authorities=Path("ca.pem"))
    sockets = (
        Bind("127.0.0.1", 5060), Bind("192.0.2.9", 5060),
        Bind("192.0.2.9", 5061, "tls", "phone"), Bind("192.0.2.8", 5061, "tls", tls=mine),
    )  # fmt: skip
    trunk = Trunk(name="a", host="192.0.2.1", port=5061, transport=TrunkTransport.TLS)
    ours = Via(trunk, NUMBER, StackSettings(sockets), ("", 1, 2), "")
    given = CallOptions(uri=Uri("", "", "", -1, ""), text="", via=ours)
    (found,) = binds_of(given)
    assert (found.host, found.port, found.tls) == ("192.0.2.8", 0, mine)
    (found,) = binds_of(replace(given, tls=theirs))
    assert (found.host, found.tls) == ("192.0.2.8", theirs)
    (found,) = binds_of(replace(given, bind="127.0.0.1", port=4))
    assert (found.host, found.port, found.tls) == ("127.0.0.1", 4, TlsOptions())


@pytest.mark.parametrize(
    ("number", "trunk", "said"), [("0912345678", "other", "gateway"), ("12", "gateway", "'12'")]
)
def test_a_trunk_or_number_that_is_none_is_a_usage_error(tmp_path, number, trunk, said) -> None:
    config = tmp_path / "dialerd.toml"
    config.write_text(CONFIG.format(port=9))
    config.chmod(0o600)
    code, _, err = called(number, "--via-trunk", trunk, "-c", str(config))
    assert code == 2
    assert said in err


def test_a_number_without_a_trunk_is_told_what_it_needs() -> None:
    code, _, err = called("0912345678")
    assert code == 2
    assert "--via-trunk" in err


def test_tcp(tmp_path) -> None:
    with listening("--transport", "tcp", "--calls", "2") as peer:
        first = called(at(peer.port), "--transport", "tcp", "--seconds", "0.2")
        second = called(f"{at(peer.port)};transport=tcp", "--seconds", "0.2")
        assert peer.finish() == 0
    assert [first[0], second[0]] == [0, 0]
    assert (first[1]["transport"], second[1]["transport"]) == ("tcp", "tcp")
    assert [c["answered"] for c in peer.calls()] == [True, True]


def test_tls_believes_whom_it_is_told_to_and_nobody_else(tmp_path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("gateway", "IP:127.0.0.1")
    options = ("--transport", "tls", "--cert", str(cert), "--key", str(key))
    with listening(*options) as peer:
        uri = at(peer.port, scheme="sips")
        code, report, _ = called(uri, "--ca", str(authority.file), "--seconds", "0.2")
        assert (code, report["transport"]) == (0, "tls")
        refused, report, err = called(uri, "--seconds", "0.2", "--ring", "8")
        assert (refused, report["answer_ms"]) == (1, None)
        assert "certificate verify failed" in err
        assert err.splitlines()[-1].startswith("error: ")
        trusted, _, _ = called(uri, "--insecure", "--seconds", "0.2")
        assert trusted == 0
        assert peer.interrupt() == 0


def test_ipv6() -> None:
    with listening("--bind", "[::1]:0", "--calls", "1") as peer:
        code, report, _ = called(at(peer.port, "[::1]"), "--seconds", "0.5")
        assert peer.finish() == 0
    assert code == 0
    assert report["rtp"]["sent"] >= 20
    assert report["rtp"]["received"] >= 20
    assert report["remote"] == f"[::1]:{peer.port}"
    assert report["local"].startswith("[::1]:")


def test_bind_is_where_it_comes_from(tmp_path) -> None:
    ours = f"127.0.0.1:{free_port()}"
    with listening("--calls", "1") as peer:
        code, report, _ = called(at(peer.port), "--bind", ours, "--seconds", "0")
        peer.finish()
    assert (code, report["local"]) == (0, ours)
    assert peer.calls()[0]["source"] == ours


def test_trace_and_capture_of_a_call_without_secrets(tmp_path) -> None:
    path = tmp_path / "x.pcap"
    with sipp(tmp_path, "challenges") as peer:
        code, _, err = called(
            at(peer.port), "--auth", "account:secret", "--seconds", "0", "--trace",
            "--pcap", str(path),
        )  # fmt: skip
        peer.finish()
    assert code == 0
    assert "401 Unauthorized" in err
    assert "|- ACK ---" in err
    assert b"Authorization: ***\r\n" in path.read_bytes()
    tshark = shutil.which("tshark")
    assert tshark, "tshark is missing: apt-get install tshark"
    rows = subprocess.run(
        [tshark, "-r", str(path), "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"],
        capture_output=True, text=True, check=True, timeout=200,
    ).stdout.split()  # fmt: skip
    assert rows[:4] == ["INVITE", "401", "ACK", "INVITE"]
    assert rows[-2:] == ["BYE", "200"]


def said_by_call(*options: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*dialerd_program(), "call", *options],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_full_prints_each_message_and_the_ladder_marks_credentials(tmp_path) -> None:
    with sipp(tmp_path, "challenges") as peer:
        code, out, _ = said_by_call(
            at(peer.port), "--auth", "account:secret", "--seconds", "0", "--trace", "--full"
        )
        peer.finish()
    assert code == 0
    assert "|- INVITE  " in out
    assert "|- INVITE (Digest)  " in out
    assert "\nSIP/2.0 401 Unauthorized\nVia: " in out
    assert "Authorization: ***" in out


def test_the_ladder_shows_the_port_of_the_connection() -> None:
    with listening("--transport", "tcp", "--calls", "1") as peer:
        _, out, _ = said_by_call(
            f"{at(peer.port)};transport=tcp", "--seconds", "0", "--trace", "--full"
        )
        peer.finish()
    [source] = {str(call["source"]) for call in peer.calls()}
    assert f"TCP {source} -> 127.0.0.1:{peer.port}" in out
    assert f"         {source} " in out  # the head of the ladder


def test_a_refusal_stands_in_the_table_too(tmp_path) -> None:
    with sipp(tmp_path, "busy") as peer:
        code, out, _ = said_by_call(at(peer.port))
        peer.finish()
    assert code == 1
    assert "released       them: 486 Busy Here\nbusy (486 Busy Here), released by them" in out


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_what_the_network_refuses_is_said(transport) -> None:
    port = free_port()
    code, out, err = said_by_call(at(port), "--transport", transport, "--insecure")
    assert code == 1
    assert "released       network: unreachable: Connection refused" in out
    assert err.splitlines()[-1].startswith(f"error: {at(port)}: unreachable: Connection refused")


@pytest.mark.parametrize(
    "options",
    [
        ("--bind", "nonsense"),
        ("--bind", "127.0.0.1:99999"),
        ("--transfer", "nobody"),
        ("--from", "sip:"),
        ("--auth", "nocolon"),
        ("--transport", "sctp"),
        ("--srtp", "maybe"),
        ("--auth", "a:b", "--user", "c"),
    ],
)
def test_wrong_options_are_usage_errors(options) -> None:
    code, _, err = called("sip:x@127.0.0.1:9", *options)
    assert code == 2
    assert "Traceback" not in err
