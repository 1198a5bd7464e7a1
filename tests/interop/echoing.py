"""baresip as a telephone that answers and says what it hears: a SIP peer that we did not write."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.interop.agent import HOST
from tests.interop.baresip import PLACES
from tests.interop.sipp import listens
from tests.ports import media_ports
from tests.waiting import until_ready

# The bridge's player feeds its source: what baresip hears, decrypted and decoded, it says again.
CONFIG = """\
poll_method epoll
net_interface 127.0.0.1
sip_listen 127.0.0.1:{port}
audio_player aubridge,loop
audio_source aubridge,loop
audio_alert aubridge,nil
rtp_ports {low}-{high}
module_path {modules}
module g711.so
module aubridge.so
module srtp.so
module_app account.so
module_app menu.so
"""


@contextlib.contextmanager
def echoing_phone(
    folder: Path, port: int, encryption: str, *commands: str, user: str = "tel", more: str = ""
) -> Iterator[None]:
    """A baresip that answers every call to `user` and says what it hears.

    `more` are further lines of its configuration; what it writes is in `folder`/log.
    """
    program = shutil.which("baresip")
    assert program, "baresip is missing: apt-get install baresip-core"
    modules = next((place for place in PLACES if Path(place).is_dir()), "")
    assert modules, f"baresip's modules are in none of {PLACES}"
    low, high = media_ports()
    text = CONFIG.format(port=port, low=low, high=high, modules=modules) + more
    (folder / "config").write_text(text)
    (folder / "accounts").write_text(
        f"<sip:{user}@{HOST}>;regint=0;answermode=auto;audio_codecs=pcmu/8000{encryption}\n"
    )
    (folder / "contacts").write_text("")
    typed = [word for command in commands for word in ("-e", command)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-4", "-f", str(folder), "-p", str(folder), *typed],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until_ready(process, lambda: listens(port), folder / "log")
            yield
        finally:
            process.terminate()
            process.wait(100)
