"""Speech of ports without an audio device: prompts as files on their modems.

The prompts of running campaigns are put on every such module while it is idle, one after the other:
a serial line takes longer for a prompt than it lasts. A port is told to the dialer with those that
it has. In a call they are played one behind the other; a prompt that changed is put anew.

On a module the files have fixed names, `dialerd0` and so on: what an earlier process left there is
written over, and its small memory never fills up with what nobody plays any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from dialerd.core.effects import Play
from dialerd.core.events import AnyEvent, PlayEnded
from dialerd.core.needs import Can, Need
from dialerd.core.prompts_view import PromptError
from dialerd.shell.bank_port import BankPort
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.wav import pcm_wav
from fastpath import g711
from gsm import events as gsm
from gsm.limits import FILE_MAX
from gsm.module_files import OVER
from gsm.port import Port

log = logging.getLogger("dialerd.banks")

LOOK_S: Final = 1.0  # between two looks at what is to be put where
AGAIN_S: Final = 60.0  # until a file that a module would not take is tried again
FILES_MAX: Final = 16  # of a module
LATE_NS: Final = 5_000_000_000  # behind its length a file is over, whatever the module says
NS: Final = 1_000_000_000


class _Prompt:
    """One as it is put on modules."""

    __slots__ = ("data", "number", "seconds")

    def __init__(self, number: int) -> None:
        self.number = number  # of the media engine: another one when the prompt has changed
        self.data = b""  # until it is read
        self.seconds = 0.0


class _Module:
    """What is known of the files on one."""

    __slots__ = ("again_s", "held", "imei", "moving")

    def __init__(self, imei: str) -> None:
        self.imei = imei
        self.held: dict[str, tuple[str, int]] = {}  # file -> prompt and its number
        self.moving: tuple[str, str, int] | None = None  # file, prompt, number
        self.again_s = 0.0

    def file_of(self, name: str, number: int) -> str:
        """Under which name it has a prompt; empty: it has not."""
        return next((file for file, of in self.held.items() if of == (name, number)), "")


class _Voice:
    """What is said on a leg."""

    __slots__ = ("own", "playing", "port", "queue", "token")

    def __init__(self, port: BankPort, own: int) -> None:
        self.port, self.own = port, own
        self.queue: deque[tuple[str, float]] = deque()  # files and their seconds
        self.token: int | None = None
        self.playing = False


class BankFiles:
    """See the module's text."""

    def __init__(
        self,
        prompts: Prompts,
        feed: Callable[[AnyEvent], None],
        failed: Callable[[int, str], None],
    ) -> None:
        """`failed` is told of a leg that stays silent."""
        self.changed: Callable[[BankPort], None] = _unheard  # a port can do something else now
        self.wanted: Callable[[], Iterable[str]] = tuple  # the prompts of campaigns that run
        self._prompts = prompts
        self._feed = feed
        self._failed = failed
        self._known: dict[str, _Prompt] = {}
        self._modules: dict[str, _Module] = {}
        self._voices: dict[int, _Voice] = {}
        self._reading: set[asyncio.Task[None]] = set()

    # -- what is where ---------------------------------------------------------------------------

    def can(self, port: BankPort) -> Can | None:
        """What campaigns can do on a port; None: everything."""
        if not port.by_files():
            return None
        module = self._modules.get(port.runner.name)
        held = module.held.values() if module is not None else ()
        hears = port.runner.machine.dialect.dtmf.hears
        names = frozenset(n for n, number in held if number == self._number(n))
        return Can(Need.KEYS if hears else Need(0), names)

    def _number(self, name: str) -> int:
        known = self._known.get(name)
        return known.number if known is not None else -1

    def look(self, ports: Iterable[BankPort], now_s: float) -> None:
        """Once in `LOOK_S`: put what is missing somewhere."""
        mine = [port for port in ports if port.by_files()]
        if not mine:
            return
        wanted = set(self.wanted())
        names = [name for name in sorted(wanted) if self._ready(name)]
        held = {name for module in self._modules.values() for name, _ in module.held.values()}
        self._known = {name: one for name, one in self._known.items() if name in wanted | held}
        for port in mine:
            self.changed(port)  # a prompt may be another one now; what is no news is not told
            module = self._module(port)
            idle = port.state.state in {"ready", "locked"} and module.moving is None
            missing = [n for n in names if not module.file_of(n, self._number(n))]
            if idle and missing and now_s >= module.again_s:
                self._put(port, module, missing[0], names, now_s)

    def _ready(self, name: str) -> bool:
        """Whether a prompt can be put; it is read where it is not known as it is now."""
        try:
            number = self._prompts.load(name)
        except PromptError:
            return False  # the campaign's calls say so
        known = self._known.get(name)
        if known is None or known.number != number:
            known = self._known[name] = _Prompt(number)
            task = asyncio.ensure_future(self._read(name, known))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
        return bool(known.data)

    async def _read(self, name: str, known: _Prompt) -> None:
        try:
            prompt = await self._prompts.read(name)
        except PromptError as error:
            log.warning("%s", error)
            return
        data = pcm_wav(g711.alaw_decode(prompt.pcma).astype("<i2").tobytes())
        known.seconds = prompt.seconds
        if len(data) > FILE_MAX:
            log.warning("prompt '%s' is too long for a file on a modem", name)
        else:
            known.data = data

    def _module(self, port: BankPort) -> _Module:
        imei = port.identity.imei if port.identity is not None else ""
        module = self._modules.get(port.runner.name)
        if module is None or module.imei != imei:  # another one: nothing is known of its files
            module = self._modules[port.runner.name] = _Module(imei)
            self.changed(port)
        return module

    def _put(
        self, port: BankPort, module: _Module, name: str, names: list[str], now_s: float
    ) -> None:
        """Over a file that nobody plays any more, or beside what is there."""
        free = [f"dialerd{n}" for n in range(FILES_MAX) if f"dialerd{n}" not in module.held]
        useless = [
            file for file, (n, number) in module.held.items()
            if n not in names or number != self._number(n)
        ]  # fmt: skip
        file = next(iter([*useless, *free]), "")
        if not file:
            return  # it is full of what campaigns play
        known = self._known[name]
        module.moving = file, name, known.number
        module.again_s = now_s + AGAIN_S
        if module.held.pop(file, None) is not None:
            self.changed(port)

        def put(one: Port, now_ns: int) -> None:
            if why := one.put_file(file, known.data, now_ns):
                self.stored(port, gsm.FilePut(file, why))

        port.runner.do(put)

    def stored(self, port: BankPort, fact: gsm.FilePut) -> None:
        """A module has a file, or not."""
        module = self._modules.get(port.runner.name)
        if module is None or module.moving is None or module.moving[0] != fact.file:
            return
        (file, name, number), module.moving = module.moving, None
        if fact.why:
            log.warning("port %s: prompt '%s' is not put: %s", port.runner.name, name, fact.why)
            return
        module.again_s = 0.0
        module.held[file] = name, number
        self.changed(port)

    # -- calls -----------------------------------------------------------------------------------

    def play(self, port: BankPort, own: int, effect: Play) -> bool:
        """Say prompts instead of what is said; False: one of them is not there."""
        module = self._modules.get(port.runner.name)
        if module is None:
            return False
        files = [module.file_of(name, self._number(name)) for name in effect.prompts]
        if not all(files):
            return False
        voice = self._voices.setdefault(effect.leg, _Voice(port, own))
        seconds = [self._known[name].seconds for name in effect.prompts]
        voice.queue = deque(zip(files, seconds, strict=True))
        voice.token = effect.token
        if voice.playing:
            self._break_off(voice)
        else:
            self._next(effect.leg, voice)
        return True

    def stop(self, leg: int) -> None:
        """Say nothing more."""
        voice = self._voices.get(leg)
        if voice is not None:
            voice.queue.clear()
            voice.token = None
            if voice.playing:
                self._break_off(voice)

    def _break_off(self, voice: _Voice) -> None:
        voice.port.runner.do(lambda one, now_ns: one.stop_playing(voice.own, now_ns))

    def _next(self, leg: int, voice: _Voice) -> None:
        """The next file, or the end of all."""
        if not voice.queue:
            token, voice.token = voice.token, None
            if token is not None:
                self._feed(PlayEnded(leg, token))
            return
        file, seconds = voice.queue.popleft()
        voice.playing = True

        def play(one: Port, now_ns: int) -> None:
            if why := one.play(voice.own, file, now_ns, round(seconds * NS) + LATE_NS):
                self._silent(leg, voice, why)

        voice.port.runner.do(play)

    def played(self, leg: int, fact: gsm.FilePlayed) -> None:
        """A file is played no more."""
        voice = self._voices.get(leg)
        if voice is None or not voice.playing:
            return
        voice.playing = False
        if fact.why in {"", "stopped"}:
            self._next(leg, voice)
        elif fact.why != OVER:
            self._silent(leg, voice, f"{fact.file}: {fact.why}")

    def _silent(self, leg: int, voice: _Voice, why: str) -> None:
        """Perhaps its files are gone: they are put anew."""
        voice.playing = False
        self._modules.pop(voice.port.runner.name, None)
        self.changed(voice.port)
        self._failed(leg, why)

    def over(self, leg: int) -> None:
        """A leg has ended."""
        self._voices.pop(leg, None)

    async def close(self) -> None:
        """Nothing is read any more."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)


def _unheard(_port: BankPort) -> None:
    """Before anybody tells the dialer of ports."""
