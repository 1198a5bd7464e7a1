"""Kamailio as a registrar that challenges, and as a proxy that stays in the path of calls."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.interop.kamailio import running, tls_lines
from tests.interop.sipp import listens
from tests.ports import free_port
from tests.waiting import until_ready

PASSWORD = "kamailio-secret"
CONFIG = """\
#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
tcp_children=1
disable_tcp={no_tcp}
auto_aliases=no
listen={transport}:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "textops.so"
loadmodule "siputils.so"
{tls}
modparam("auth", "algorithm", "{algorithm}")
modparam("auth", "nonce_count", 1)
modparam("auth", "nonce_expire", {nonce_s})
modparam("registrar", "max_expires", {expires_s})
modparam("registrar", "min_expires", 2)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("$fd", "{password}", "0")) {{ www_challenge("$fd", "1"); exit; }}
        consume_credentials();
        {told}
        save("location");
        exit;
    }}
    if (has_totag()) {{
        if (!loose_route() && !t_check_trans()) {{ sl_send_reply("404", "No Route"); exit; }}
        if (is_method("INVITE|BYE") && $fd == "127.0.0.1") {{
            if (!pv_proxy_authenticate("$fd", "{password}", "0")) {{
                proxy_challenge("$fd", "1");
                exit;
            }}
            consume_credentials();
        }}
        t_relay();
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    t_check_trans();
    if (is_method("INVITE")) {{
        if (!pv_proxy_authenticate("$fd", "{password}", "0")) {{
            proxy_challenge("$fd", "1");
            exit;
        }}
        consume_credentials();
    }}
    record_route();
    {led}
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}
"""


# It stands before a registrar, and registers itself as the way back (RFC 3327).
EDGE = """\
#!KAMAILIO
debug=0
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "path.so"
loadmodule "textops.so"
loadmodule "siputils.so"
modparam("path", "use_received", 1)
request_route {{
    if (is_method("REGISTER")) {{
        if (!add_path_received("edge")) {{ sl_send_reply("503", "Path"); exit; }}
        $du = "sip:127.0.0.1:{next_port}";
        t_relay();
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (is_method("INVITE") && !has_totag()) {{
        if (!($(hdr(Route)[0]) =~ "edge@127.0.0.1")) {{ sl_send_reply("403", "Path"); exit; }}
        record_route();
    }}
    loose_route();
    t_relay();
}}
"""


# It tells a Service-Route, and takes calls by that route only, for somebody at a port.
TOLD = (
    'append_to_reply("Service-Route: <sip:orig@127.0.0.1:{port};transport={transport};lr>\\r\\n");'
)
LED = """
    if (!($(hdr(Route)[0]) =~ "orig@127.0.0.1")) {{ sl_send_reply("403", "Service-Route"); exit; }}
    loose_route();
    $du = "sip:127.0.0.1:{next_port}";
    t_relay();
    exit;
"""


@contextlib.contextmanager
def kamailio(
    folder: Path,
    *,
    algorithm: str = "",
    expires_s: int = 60,
    nonce_s: int = 60,
    transport: str = "udp",
    certificate: tuple[Path, Path] | None = None,
    next_port: int = 0,
    edge_of: int = 0,
) -> Iterator[int]:
    """A Kamailio for the length of a block; its port.

    With `edge_of` it only stands before the registrar at that port. With `next_port` it tells a
    Service-Route, and calls by that route go to there, by UDP.
    """
    if edge_of:
        port = free_port()
        with _running(folder, EDGE.format(port=port, next_port=edge_of), port, "udp"):
            yield port
        return
    port = free_port()
    fields = {"port": port, "transport": transport, "next_port": next_port}
    listen = f"{transport}:127.0.0.1:{port}"
    text = CONFIG.format(
        **fields,
        algorithm=algorithm,
        expires_s=expires_s,
        nonce_s=nonce_s,
        password=PASSWORD,
        no_tcp="yes" if transport == "udp" else "no",
        tls=tls_lines(certificate) if certificate else "",
        told=TOLD.format(**fields) if next_port else "",
        led=LED.format(**fields) if next_port else "",
    )
    if transport != "udp":  # what it sends on goes by UDP
        text = text.replace(f"listen={listen}\n", f"listen={listen}\nlisten=udp:127.0.0.1:{port}\n")
    with _running(folder, text, port, transport):
        yield port


@contextlib.contextmanager
def _running(folder: Path, text: str, port: int, transport: str) -> Iterator[None]:
    program = shutil.which("kamailio", path="/usr/sbin:/usr/bin")
    assert program, "Kamailio is missing: apt-get install kamailio kamailio-tls-modules"
    config = folder / "kamailio.cfg"
    config.write_text(text)
    log = folder / "kamailio.log"
    command = [program, "-f", str(config), "-DD", "-E", "-m", "16", "-M", "4", "-Y", str(folder)]
    with log.open("wb") as out, running(command, folder, out) as process:
        kind = "udp" if transport == "udp" else "tcp"
        until_ready(process, lambda: listens(port, transport=kind), log)
        yield
