"""A modem that is a sound card (`uac`): its samples as a descriptor, as `pcm_tty` has them.

ALSA is the system's `libasound.so.2`, loaded when the first card is looked at: nothing else of the
daemon needs it. One thread for each call moves frames of 20 ms between the card and one end of a
socket pair; the media engine has the other end, and closing it ends the thread. The card's clock
is the thread's; a plugin without one (`null`) is held to real time. What the card does not take at
once is left out: a second late would be worse.

https://www.alsa-project.org/alsa-doc/alsa-lib/group___p_c_m.html
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import logging
import os
import re
import socket
import threading
import time
from typing import Any, Final

from gsm.io_serial import open_device

log = logging.getLogger("gsm.sound")

RATE: Final = 8_000
FRAMES: Final = 160  # of a period of 20 ms
BYTES: Final = 2 * FRAMES  # 16 bits, one channel
LATENCY_US: Final = 120_000  # what the card may hold
AHEAD_S: Final = 0.1  # a clock that is so far before real time is none
KEPT: Final = 10 * BYTES  # said and not taken by the card yet; what is older is left out
ROOM: Final = 32_768  # of the socket, as the kernel counts: about 25 frames
_PLAYBACK, _CAPTURE, _NONBLOCK, _S16_LE, _INTERLEAVED = 0, 1, 1, 2, 3
_CONTROL: Final = re.compile(r"/dev/snd/controlC(\d{1,3})")


def sound_card(path: str) -> str:
    """ALSA's name of what an audio path means; empty: it is a serial device.

    `alsa:NAME` is that name; links below /dev/snd (`by-path`) lead to a card.
    """
    if path.startswith("alsa:"):
        return path.removeprefix("alsa:")
    found = _CONTROL.fullmatch(os.path.realpath(path))
    if found is not None:
        return f"plughw:{found[1]}"
    return "missing" if path.startswith("/dev/snd/") else ""


def try_sound(card: str) -> None:
    """Whether a card can be heard and spoken to now; OSError says why not. It may block."""
    for way in (_CAPTURE, _PLAYBACK):
        _Pcm(card, way).close()


def open_audio(path: str, baud: int) -> int:
    """A descriptor of a modem's audio, whichever it is; OSError. It may block."""
    card = sound_card(path)
    if not card:
        return open_device(path, baud)
    try_sound(card)
    return open_sound(card)


def open_sound(card: str) -> int:
    """A descriptor of a card's samples, at once; a card that fails later ends it."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        end.setblocking(False)
    threading.Thread(target=_carry, args=(card, theirs), name="sound", daemon=True).start()
    return ours.detach()


def _carry(card: str, end: socket.socket) -> None:
    """In a thread: frames both ways, until either side is gone."""
    heard = said = None
    try:
        heard, said = _Pcm(card, _CAPTURE), _Pcm(card, _PLAYBACK)
        _pump(heard, said, end)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ECONNRESET):  # the call's end
            log.warning("sound card %s: %s", card, error.strerror)
    finally:
        end.close()
        for pcm in (heard, said):
            if pcm is not None:
                pcm.close()


def _pump(heard: _Pcm, said: _Pcm, end: socket.socket) -> None:
    begun, frames, waiting = time.monotonic(), 0, b""
    while True:
        frame = heard.read()
        with contextlib.suppress(BlockingIOError):  # nobody listens just now: it is left out
            end.send(frame)
        frames += 1
        try:
            while data := end.recv(KEPT):
                waiting = (waiting + data)[-KEPT:]
            return  # the call is over
        except BlockingIOError:
            waiting = waiting[said.write(waiting) :]
        ahead = begun + frames * FRAMES / RATE - time.monotonic()
        if ahead > AHEAD_S:
            time.sleep(ahead - AHEAD_S / 2)  # no card's clock runs so: nothing else paces this
        elif ahead < -1.0:  # it was stopped: what was missed is not made up for
            begun, frames = time.monotonic(), 0


class _Pcm:
    """One direction of a card."""

    def __init__(self, card: str, way: int) -> None:
        """OSError when it cannot be opened, or not at 8 kHz and 16 bits."""
        self._lib = _library()
        self._pcm = ctypes.c_void_p()
        self._buffer = ctypes.create_string_buffer(BYTES)
        self._check(self._lib.snd_pcm_open(ctypes.byref(self._pcm), card.encode(), way, 0))
        try:
            self._check(
                self._lib.snd_pcm_set_params(
                    self._pcm, _S16_LE, _INTERLEAVED, 1, RATE, 1, LATENCY_US
                )
            )
            # Writing never waits: reading is what paces the thread.
            self._check(self._lib.snd_pcm_nonblock(self._pcm, way == _PLAYBACK))
        except OSError:
            self.close()
            raise

    def read(self) -> bytes:
        """The next frame, when it is there; silence after a gap. OSError: the card is gone."""
        got = self._lib.snd_pcm_readi(self._pcm, self._buffer, FRAMES)
        if got < 0:
            self._check(self._lib.snd_pcm_recover(self._pcm, got, 1))
            return bytes(BYTES)
        return self._buffer.raw[: 2 * got]

    def write(self, data: bytes) -> int:
        """Whole samples, as many as it takes now; how many bytes. OSError: the card is gone."""
        count = len(data) // 2
        if not count:
            return 0
        done = self._lib.snd_pcm_writei(self._pcm, data, count)
        if done == -errno.EAGAIN:
            return 0
        if done < 0:  # it ran dry
            self._check(self._lib.snd_pcm_recover(self._pcm, done, 1))
            return 0
        return 2 * int(done)

    def close(self) -> None:
        """What it still holds is not played."""
        pcm, self._pcm = self._pcm, ctypes.c_void_p()
        if pcm.value is not None:
            self._lib.snd_pcm_close(pcm)

    def _check(self, code: int) -> None:
        if code < 0:
            raise OSError(-code, self._lib.snd_strerror(code).decode("utf-8", "replace"))


@functools.cache
def _library() -> Any:
    """libasound; OSError where it is not installed."""
    try:
        lib = ctypes.CDLL("libasound.so.2")
    except OSError as error:
        raise OSError(errno.ENOENT, "sound cards want libasound2, which is missing") from error
    pcm, long = ctypes.c_void_p, ctypes.c_long
    lib.snd_pcm_open.argtypes = [ctypes.POINTER(pcm), ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    lib.snd_pcm_set_params.argtypes = [pcm, *[ctypes.c_int] * 2, *[ctypes.c_uint] * 2,
                                       ctypes.c_int, ctypes.c_uint]  # fmt: skip
    lib.snd_pcm_nonblock.argtypes = [pcm, ctypes.c_int]
    lib.snd_pcm_readi.argtypes = [pcm, ctypes.c_char_p, ctypes.c_ulong]
    lib.snd_pcm_writei.argtypes = [pcm, ctypes.c_char_p, ctypes.c_ulong]
    lib.snd_pcm_readi.restype = lib.snd_pcm_writei.restype = long
    lib.snd_pcm_recover.argtypes = [pcm, ctypes.c_int, ctypes.c_int]
    lib.snd_pcm_close.argtypes = [pcm]
    lib.snd_strerror.argtypes = [ctypes.c_int]
    lib.snd_strerror.restype = ctypes.c_char_p
    return lib
