"""A call's prompts and recording as files on the module, for one modem without a daemon."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dialerd.shell.one_modem import LEG, ModemError, OneModem
from dialerd.shell.prompts import Prompt
from dialerd.shell.wav import pcm_wav
from fastpath import g711
from gsm import events as gsm
from gsm.limits import FILE_MAX
from gsm.module_files import OVER
from gsm.port import Port

RECORDING: Final = "dialerdrec"
MOVE_S: Final = 180.0  # for one file: a minute of speech takes 90 s at 115,200 baud
LATE_NS: Final = 5_000_000_000  # behind its length a file is over, whatever the module says
NS: Final = 1_000_000_000


class ModuleVoice:
    """See the module's text. `hear` is told all facts about files."""

    def __init__(self, modem: OneModem, prompts: list[Prompt], record: Path | None) -> None:
        """ModemError where the module's files cannot do it."""
        files = modem.runner.machine.dialect.files
        device = modem.options.device
        if files is None or (prompts and not files.put):
            raise ModemError(f"{device}: no audio device is known, name it by --audio")
        if record is not None and not files.get:
            raise ModemError(f"{device}: a recording cannot be fetched from this module")
        self._modem = modem
        self._prompts = prompts
        self._record = record
        self._left: deque[tuple[str, float]] = deque()
        self._through: Callable[[str], None] = _nobody
        self._moved: asyncio.Future[gsm.FilePut | gsm.FileGot] | None = None

    async def prepare(self) -> None:
        """Put the prompts on the module; ModemError, and nobody is called."""
        for number, prompt in enumerate(self._prompts):
            name = f"dialerd{number}"
            data = pcm_wav(g711.alaw_decode(prompt.pcma).astype("<i2").tobytes())
            if len(data) > FILE_MAX:
                raise ModemError("a file on the module holds at most a minute of speech")
            self._left.append((name, prompt.seconds))
            await self._move(lambda one, now, n=name, d=data: one.put_file(n, d, now))  # type: ignore[misc]  # bound now
        if self._prompts:
            await self._modem.up({"ready", "locked"})

    async def _move(self, act: Callable[[Port, int], str]) -> gsm.FilePut | gsm.FileGot:
        """One file, there or back; ModemError."""
        self._moved = asyncio.get_running_loop().create_future()
        why = str(self._modem.runner.do(act) or "")
        try:
            found = None if why else await asyncio.wait_for(self._moved, MOVE_S)
        except TimeoutError:
            found, why = None, "it takes too long"
        if found is None or found.why:
            why = why or (found.why if found is not None else "")
            raise ModemError(f"{self._modem.options.device}: a file cannot be moved: {why}")
        return found

    def begin(self) -> None:
        """They talk: record what is said, if that is wanted."""
        if self._record is not None:
            self._modem.runner.do(lambda one, now: one.record(LEG, RECORDING, now))

    def speak(self, through: Callable[[str], None]) -> None:
        """Play all, one behind the other; then `through`, with a reason when one was not played."""
        self._through = through
        self._next()

    def _next(self, why: str = "") -> None:
        if why or not self._left:
            self._through(why)
            return
        name, seconds = self._left.popleft()

        def play(one: Port, now_ns: int) -> None:
            longest_ns = round(seconds * NS) + LATE_NS
            if refused := one.play(LEG, name, now_ns, longest_ns):
                self._next(refused)

        self._modem.runner.do(play)

    def hear(self, fact: gsm.Fact) -> None:
        """What the port tells of files."""
        match fact:
            case gsm.FilePlayed(why=why) if why != OVER:  # who has hung up hears no more
                self._next(why)
            case gsm.FilePut() | gsm.FileGot():
                if self._moved is not None and not self._moved.done():
                    self._moved.set_result(fact)
            case _:
                pass

    async def fetch(self) -> None:
        """After the call: the recording, what the far end said in one channel; OSError."""
        if self._record is None:
            return
        await self._modem.up({"ready", "locked"})
        found = await self._move(lambda one, now: one.get_file(RECORDING, now))
        if isinstance(found, gsm.FileGot):
            self._record.write_bytes(found.data)


def _nobody(_why: str) -> None:
    """Nothing is played."""
