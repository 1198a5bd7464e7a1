"""Our capture files and HEP datagrams, read by programs that we did not write."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from sip.tracing.hep import encapsulate
from sip.tracing.pcap import Packet, capture, checksum
from tests.interop.sipp import listens
from tests.ports import free_port
from tests.sip.samples import INVITE, OK, message
from tests.waiting import until, until_ready

AT_NS = 1_795_000_000_123_456_789
FOUR, OTHER_FOUR = ("192.0.2.1", 5060), ("198.51.100.7", 5080)
SIX, OTHER_SIX = ("2001:db8::1", 5060), ("2001:db8::2", 5062)
LARGE = message("INVITE sip:a@b SIP/2.0", body=b"v=0\r\n" + b"a=x\r\n" * 12_000)


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing: apt-get install {package}"
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tshark(path: Path, *fields: str) -> list[list[str]]:
    asked = [part for field in fields for part in ("-e", field)]
    checked = [
        part for layer in ("ip", "udp", "tcp") for part in ("-o", f"{layer}.check_checksum:TRUE")
    ]
    out = run(program("tshark", "tshark"), "-n", "-r", str(path), *checked, "-T", "fields", *asked)
    return [line.split("\t") for line in out.splitlines()]


def write(path: Path, *packets: Packet) -> Path:
    path.write_bytes(capture(packets))
    return path


MIXED = (
    Packet(AT_NS, "udp", FOUR, OTHER_FOUR, INVITE),
    Packet(AT_NS + 1_000_000, "udp", OTHER_FOUR, FOUR, OK),
    Packet(AT_NS + 2_000_000, "udp", SIX, OTHER_SIX, INVITE),
    Packet(AT_NS + 3_000_000, "tcp", FOUR, OTHER_FOUR, INVITE),
    Packet(AT_NS + 4_000_000, "tcp", OTHER_FOUR, FOUR, OK),
    Packet(AT_NS + 5_000_000, "tcp", FOUR, OTHER_FOUR, INVITE),
    Packet(AT_NS + 6_000_000, "tls", ("2001:db8::1", 5061), ("2001:db8::2", 5061), INVITE),
    Packet(AT_NS + 7_000_000, "udp", ("sip.example.com", 5060), FOUR, OK),
)


def test_tcpdump_reads_it_and_every_checksum_is_right(tmp_path: Path) -> None:
    path = write(tmp_path / "x.pcap", *MIXED)
    out = run(program("tcpdump", "tcpdump"), "-nvvv", "-r", str(path))
    assert out.count("udp sum ok") == 4
    assert out.count("(correct)") == 4
    assert "incorrect" not in out
    assert "bad" not in out


def test_wireshark_reads_every_message_as_sip_at_its_time(tmp_path: Path) -> None:
    rows = tshark(
        write(tmp_path / "x.pcap", *MIXED),
        "sip.Method", "sip.Status-Code", "sip.Call-ID", "frame.time_epoch", "sdp.media",
    )  # fmt: skip
    assert [row[0] or row[1] for row in rows] == [
        "INVITE", "200", "INVITE", "INVITE", "200", "INVITE", "INVITE", "200",
    ]  # fmt: skip
    assert {row[2] for row in rows} == {"c1@192.0.2.2"}
    assert rows[0][3] == "1795000000.123456789"
    assert all(row[4].startswith("audio 4000") for row in rows)


def test_addresses_and_checksums_as_wireshark_sees_them(tmp_path: Path) -> None:
    rows = tshark(
        write(tmp_path / "x.pcap", *MIXED),
        "ip.src", "ipv6.dst", "udp.dstport", "tcp.dstport",
        "ip.checksum.status", "udp.checksum.status", "tcp.checksum.status",
    )  # fmt: skip
    assert rows[0][:4] == ["192.0.2.1", "", "5080", ""]
    assert rows[2][:4] == ["", "2001:db8::2", "5062", ""]
    assert rows[3][:4] == ["192.0.2.1", "", "", "5080"]
    assert rows[7][0] == "0.0.0.0"
    assert {value for row in rows for value in row[4:]} <= {"1", ""}  # 1: good


def test_a_tcp_stream_goes_on_where_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "x.pcap", *MIXED[3:6])
    rows = tshark(path, "tcp.seq", "tcp.ack", "tcp.len", "tcp.analysis.flags")
    assert [row[3] for row in rows] == ["", "", ""]
    assert [int(row[0]) for row in rows] == [1, 1, 1 + len(INVITE)]
    assert int(rows[2][1]) == 1 + len(OK)


def test_a_message_larger_than_a_packet_over_tcp_is_whole(tmp_path: Path) -> None:
    assert len(LARGE) > 60_000
    path = write(tmp_path / "x.pcap", Packet(AT_NS, "tcp", FOUR, OTHER_FOUR, LARGE * 1))
    rows = tshark(path, "tcp.len", "sip.Method")
    assert sum(int(row[0]) for row in rows) == len(LARGE)
    assert rows[-1][1] == "INVITE"


def test_addresses_of_two_families_are_written_in_one(tmp_path: Path) -> None:
    path = write(tmp_path / "x.pcap", Packet(AT_NS, "udp", FOUR, OTHER_SIX, INVITE))
    assert tshark(path, "ipv6.src", "ipv6.dst") == [["::ffff:192.0.2.1", "2001:db8::2"]]


def test_the_checksum_is_the_one_of_the_rfc() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2  # RFC 1071 section 3
    assert checksum(b"") == 0xFFFF
    assert checksum(b"\x01") == checksum(b"\x01\x00")


# HEP


def chunks(data: bytes) -> dict[int, bytes]:
    """A reader written from the specification."""
    assert data[:4] == b"HEP3"
    assert int.from_bytes(data[4:6], "big") == len(data)
    at, found = 6, {}
    while at < len(data):
        vendor, kind, size = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (0, 2, 4))
        assert vendor == 0
        assert size >= 6
        found[kind] = data[at + 6 : at + size]
        at += size
    assert at == len(data)
    return found


def test_hep_says_all_of_a_message_over_ipv6() -> None:
    packet = Packet(AT_NS, "tls", SIX, OTHER_SIX, INVITE)
    found = chunks(encapsulate(packet, b"c1@h", agent=0xDEADBEEF, key="pass", node="north"))
    assert found[1] == b"\x0a"
    assert found[2] == b"\x06"
    assert found[5] == socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    assert found[6] == socket.inet_pton(socket.AF_INET6, "2001:db8::2")
    assert (found[7], found[8]) == ((5060).to_bytes(2, "big"), (5062).to_bytes(2, "big"))
    assert int.from_bytes(found[9], "big") == AT_NS // 10**9
    assert int.from_bytes(found[10], "big") == 123_456
    assert found[11] == b"\x01"
    assert found[12] == b"\xde\xad\xbe\xef"
    assert (found[14], found[15], found[17], found[19]) == (b"pass", INVITE, b"c1@h", b"north")
    assert not {3, 4} & set(found)


def test_hep_that_fits_no_datagram_is_not_made() -> None:
    packet = Packet(AT_NS, "tcp", FOUR, OTHER_FOUR, LARGE + bytes(6_000))
    assert encapsulate(packet, b"c1@h", agent=1) == b""


@pytest.fixture
def collector(tmp_path: Path):
    """sngrep listening for HEP; ends by SIGINT and leaves what it understood in a file."""
    port, path = free_port(), tmp_path / "heard.pcap"
    words = tmp_path / "sngrep.log"
    with words.open("wb") as log:
        process = subprocess.Popen(
            [
                *(program("sngrep", "sngrep"), "-F", "-N", "-O", str(path)),
                *("-L", f"udp:127.0.0.1:{port}"),
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until_ready(process, lambda: listens(port), words)
        yield port, process, path
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_sngrep_understands_our_hep(collector) -> None:
    port, process, path = collector
    sent = [*MIXED[:2], *MIXED[3:5]]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for packet in sent:
            sock.sendto(encapsulate(packet, b"c1@192.0.2.2", agent=7), ("127.0.0.1", port))
    until(lambda: path.exists() and path.stat().st_size > sum(len(p.data) for p in sent))
    process.send_signal(signal.SIGINT)
    process.wait(100)
    rows = tshark(path, "ip.src", "ip.dst", "udp.srcport", "sip.Method", "sip.Status-Code")
    assert [row[:2] for row in rows] == [[p.source[0], p.target[0]] for p in sent]
    assert [row[3] or row[4] for row in rows] == ["INVITE", "200", "INVITE", "200"]
    assert rows[0][2] == "5060"
