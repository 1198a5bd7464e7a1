"""Kamailio as a proxy that records its route by a host name, over UDP, TCP and TLS."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tests.waiting import until_ready

HOSTS = ("127.0.0.1", "127.0.0.2")

CONFIGURATION = """
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
alias="proxy.example.com"
mpath="/usr/lib/MULTIARCH/kamailio/modules/:/usr/lib/kamailio/modules/:/usr/lib64/kamailio/modules/"
{listen}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
{tls}
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
    t_check_trans();
    record_route_preset("proxy.example.com:{port};transport={transport}");
    $du = "sip:127.0.0.1:{next}";
    t_relay();
}}
""".replace("MULTIARCH", sysconfig.get_config_var("MULTIARCH") or "")


def tls_lines(certificate: tuple[Path, Path]) -> str:
    """What a configuration needs for TLS, from certificate and key."""
    return (
        'enable_tls=yes\nloadmodule "tls.so"\nmodparam("tls", "tls_method", "TLSv1.2+")\n'
        f'modparam("tls", "certificate", "{certificate[0]}")\n'
        f'modparam("tls", "private_key", "{certificate[1]}")\n'
    )


@contextlib.contextmanager
def running(command: list[str], folder: Path, out: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A Kamailio and its children for the length of a block.

    Killed, not asked to end: one that is asked while its children still start waits for them.
    """
    process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def kamailio(
    folder: Path, transport: str, port: int, next_port: int, certificate: tuple[Path, Path] | None
) -> Iterator[None]:
    """The proxy on both HOSTS while the block runs; it hands calls on to `next_port` by UDP."""
    program = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin")
    assert program, "Kamailio is missing: apt-get install kamailio kamailio-tls-modules"
    listen = [f"listen={transport}:{host}:{port}" for host in HOSTS]
    listen += [f"listen=udp:127.0.0.1:{port}"] if transport != "udp" else []
    tls = "" if certificate is None else tls_lines(certificate)
    text = CONFIGURATION.format(
        listen="\n".join(listen), tls=tls, port=port, transport=transport, next=next_port
    )
    file = folder / "kamailio.cfg"
    file.write_text(text)
    command = [program, "-f", str(file), "-DD", "-E", "-m", "64", "-M", "8", "-Y", str(folder)]
    log = folder / "kamailio.log"
    with log.open("wb") as out, running(command, folder, out) as process:
        until_ready(process, lambda: _answers(transport, port), log)
        yield


def _answers(transport: str, port: int) -> bool:
    if transport != "udp":
        with socket.socket() as probe:
            return all(not probe.connect_ex((host, port)) for host in HOSTS[:1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        probe.connect((HOSTS[0], port))
        me = probe.getsockname()
        probe.send(
            f"OPTIONS sip:a@{HOSTS[0]} SIP/2.0\r\nVia: SIP/2.0/UDP {me[0]}:{me[1]};"
            "branch=z9hG4bKready\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:a@a>;tag=2\r\n"
            "Call-ID: ready\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n"
            .encode()
        )  # fmt: skip
        try:
            return probe.recv(2_000).startswith(b"SIP/2.0 404")
        except OSError:
            return False
