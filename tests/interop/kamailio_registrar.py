"""Kamailio as a registrar that challenges, and as a proxy that stays in the path of calls."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.interop.sipp import free_port, listens

PASSWORD = "kamailio-secret"
START_S = 10.0
CONFIG = """\
#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:{port}
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
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}
"""


@contextlib.contextmanager
def kamailio(
    folder: Path, *, algorithm: str = "", expires_s: int = 60, nonce_s: int = 60
) -> Iterator[int]:
    """A Kamailio for the length of a block; its port."""
    program = shutil.which("kamailio", path="/usr/sbin:/usr/bin")
    assert program, "Kamailio is missing: apt-get install kamailio"
    port = free_port()
    config = folder / "kamailio.cfg"
    config.write_text(
        CONFIG.format(
            port=port, algorithm=algorithm, expires_s=expires_s, nonce_s=nonce_s, password=PASSWORD
        )
    )
    log = folder / "kamailio.log"
    with log.open("wb") as out:
        command = [program, "-DD", "-E", "-m", "16", "-M", "4", "-Y", str(folder)]
        process = subprocess.Popen(
            [*command, "-f", str(config)], cwd=folder, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            until = time.monotonic() + START_S
            while not listens(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(10)
