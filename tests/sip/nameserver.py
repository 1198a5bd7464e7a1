"""A real name server on loopback: dnsmasq with records given as its options."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

from tests.ports import HOST, free_port

ZONE = [
    "--naptr-record=example.com,20,10,S,SIP+D2T,,_sip._tcp.example.com",
    "--naptr-record=example.com,10,10,S,SIP+D2U,,_sip._udp.example.com",
    "--srv-host=_sip._udp.example.com,one.example.com,5071,10,5",
    "--srv-host=_sip._udp.example.com,two.example.com,5072,20,5",
    "--srv-host=_sip._tcp.example.com,one.example.com,5073,10,5",
    "--host-record=one.example.com,127.0.0.1",
    "--host-record=two.example.com,127.0.0.2,::1",
    "--host-record=all.example.com,224.0.0.1,ff02::1",
]


def _answers(port: int) -> bool:
    question = bytes.fromhex("0001010000010000000000000172076578616d706c650000010001")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.1)
        probe.sendto(question, (HOST, port))
        try:
            return bool(probe.recv(512))
        except OSError:
            return False


@contextlib.contextmanager
def name_server(*records: str, port: int = 0) -> Iterator[int]:
    """Its port, while it runs."""
    program = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin")
    assert program, "dnsmasq is missing: apt-get install dnsmasq-base"
    port = port or free_port()
    command = [
        program, "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=",
        f"--port={port}", f"--listen-address={HOST}", "--bind-interfaces", "--local-ttl=60",
        "--pid-file=", "--local=/example.com/", "--neg-ttl=30", *records,
    ]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        try:
            until = time.monotonic() + 100
            while not _answers(port):
                assert process.poll() is None, "dnsmasq ended at once"
                assert time.monotonic() < until, "dnsmasq does not answer"
            yield port
        finally:
            process.kill()
