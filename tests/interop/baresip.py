"""baresip as a telephone: it registers with us, calls, and answers what comes."""

from __future__ import annotations

import contextlib
import glob
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.interop.desk import HOST
from tests.ports import free_port, media_ports

# Modules lie where the package puts them, below the architecture's or the plain library folder.
PLACES = ("/usr/lib/baresip/modules", *glob.glob("/usr/lib/*/baresip/modules"))
CONFIG = """\
poll_method epoll
net_interface 127.0.0.1
sip_listen {host}:{port}
audio_player aubridge,nil
audio_source aubridge,nil
audio_alert aubridge,nil
call_local_timeout 120
rtp_ports {low}-{high}
module_path {modules}
module g711.so
module aubridge.so
module_app account.so
module_app menu.so
module cons.so
cons_listen {host}:{keyboard}
"""


class Baresip:
    """A running telephone. What is typed at it (`press`) goes to `keyboard`, a UDP port."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], keyboard: int) -> None:
        self.port = port
        self._process = process
        self._keyboard = keyboard

    def press(self, key: str) -> None:
        """A key of the call, told by events in RTP."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.sendto(f"/sndcode {key}\n".encode(), (HOST, self._keyboard))

    def stop(self) -> None:
        """End it: it takes its registration back, so the registrar must be able to answer."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it without a word, for it would wait long for a registrar that does not answer."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def baresip(
    folder: Path,
    user: str,
    password: str,
    server: int,
    *commands: str,
    transport: str = "udp",
    proxy: int = 0,
    certificates: tuple[Path, Path] | None = None,
) -> Iterator[Baresip]:
    """A telephone for the length of a block, registered at 127.0.0.1:`server`.

    `commands` are typed once it runs ("d sip:9@..."); `proxy` is the port that it sends all to.
    With `certificates`, its own with the key in the same file and its authority's, it registers
    over TLS and listens for it one port higher.
    """
    program = shutil.which("baresip")
    assert program, "baresip is missing: apt-get install baresip-core"
    modules = next((place for place in PLACES if Path(place).is_dir()), "")
    assert modules, f"baresip's modules are in none of {PLACES}"
    port, keyboard, (low, high) = free_port(), free_port(), media_ports()
    home = folder / f"baresip-{user}"
    home.mkdir()
    (home / "config").write_text(
        CONFIG.format(host=HOST, port=port, keyboard=keyboard, low=low, high=high, modules=modules)
    )
    if certificates is not None:
        transport = "tls"
        with (home / "config").open("a") as config:
            config.write("sip_certificate {}\nsip_cafile {}\n".format(*certificates))
    by = f";transport={transport}" if transport != "udp" else ""
    outbound = f';outbound="sip:{HOST}:{proxy};lr"' if proxy else ""
    (home / "accounts").write_text(
        f"<sip:{user}@{HOST}:{server}{by}>{outbound};auth_user={user};auth_pass={password};regint=60;"
        "answermode=auto;audio_codecs=pcmu/8000\n"
    )
    (home / "contacts").write_text("")
    typed = [word for command in commands for word in ("-e", command)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-4", "-s", "-f", str(home), "-p", str(home), *typed],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        phone = Baresip(port, process, keyboard)
        try:
            yield phone
        finally:
            phone.stop()
