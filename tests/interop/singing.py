"""baresip as a telephone that says a tone and writes down what it hears."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.interop.baresip import PLACES
from tests.interop.sipp import listens
from tests.interop.tones import Samples, read_wav, tone, write_wav
from tests.ports import free_port, media_ports
from tests.waiting import until_ready

# sndfile writes what is decoded, before the jitter of a sound card that is not there.
CONFIG = """\
poll_method epoll
net_interface 127.0.0.1
sip_listen 127.0.0.1:{port}
audio_player aubridge,{port}
audio_source aufile,{tone}
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {low}-{high}
snd_path {home}
module_path {modules}
module g711.so
module aubridge.so
module aufile.so
module sndfile.so
module srtp.so
module_app account.so
module_app menu.so
"""


class Singer:
    """A running telephone: its port, and what it heard."""

    def __init__(self, port: int, home: Path) -> None:
        self.port = port
        self._home = home

    def heard(self) -> Samples:
        """What it decoded so far in its last call."""
        return read_wav(max(self._home.glob("dump-*-dec.wav")))


@contextlib.contextmanager
def singer(
    folder: Path, hertz: int, *, codec: str = "pcmu", encryption: str = "", seconds: float = 30,
    user: str = "gw", port: int = 0,
) -> Iterator[Singer]:  # fmt: skip
    """A baresip that answers every call to `user` with a tone, at `port` or a free one."""
    program = shutil.which("baresip")
    assert program, "baresip is missing: apt-get install baresip-core"
    modules = next((place for place in PLACES if Path(place).is_dir()), "")
    assert modules, f"baresip's modules are in none of {PLACES}"
    port, (low, high) = port or free_port(), media_ports()
    home = folder / f"singer-{port}"
    home.mkdir()
    sound = write_wav(home / "tone.wav", tone(hertz, seconds))
    config = CONFIG.format(port=port, tone=sound, low=low, high=high, home=home, modules=modules)
    (home / "config").write_text(config)
    (home / "accounts").write_text(
        f"<sip:{user}@127.0.0.1>;regint=0;answermode=auto;audio_codecs={codec}/8000{encryption}\n"
    )
    (home / "contacts").write_text("")
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-4", "-v", "-f", str(home), "-p", str(home)],
            cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until_ready(process, lambda: listens(port), home / "log")
            yield Singer(port, home)
        finally:
            process.terminate()
            process.wait(100)
