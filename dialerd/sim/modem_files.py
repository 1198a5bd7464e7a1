"""Files on a simulated module: put and fetched over the line, played to the far side, recorded.

A call hears them as long as they last; what was said into a recording is on the module when it
stops. By the vendors' manuals: Quectel's file and audio commands, SIMCom's of SIM7600 and SIM800.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dialerd.sim.limits import HEARD_FRAMES_MAX
from dialerd.sim.modem_audio import FRAME, Ear
from dialerd.sim.modem_calls import Stat
from dialerd.sim.modem_kit import Answer, Handler, RefusalError
from dialerd.sim.modem_line import Command, Kind

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem
    from dialerd.sim.modem_agenda import Due

BYTES_S: Final = 16_000  # of 16-bit samples at 8 kHz
FILES_MAX: Final = 64
SPACE: Final = 4_194_304  # bytes of all files
WRITE_S: Final = 0.02  # until a file's bytes are in its memory
NO_FILE: Final = 405  # +CME ERROR of Quectel


class Files:
    """Of one module; they outlive its restarts."""

    def __init__(self, modem: Modem) -> None:
        """None yet."""
        self._modem = modem
        self.held: dict[str, bytes] = {}
        self.open = ""  # the one that is being read
        self.at = 0
        self.taking: tuple[int, Callable[[bytes], None]] | None = None  # so many bytes of the line
        self._taken = bytearray()
        self._playing: tuple[bytes, int, Due] | None = None
        self._recording: tuple[str, int, Ear] | None = None

    def feed(self, data: bytes) -> bytes:
        """Bytes of the program, while some are expected; what is left behind them."""
        assert self.taking is not None  # noqa: S101 - the caller looked
        size, take = self.taking
        room = size - len(self._taken)
        self._taken += data[:room]
        if len(self._taken) == size:
            whole, self.taking = bytes(self._taken), None
            self._taken.clear()
            take(whole)
        return data[room:]

    def put(self, name: str, data: bytes, *, append: bool = False) -> None:
        """RefusalError when there is no room."""
        whole = self.held.get(name, b"") + data if append else data
        others = sum(len(one) for key, one in self.held.items() if key != name)
        if others + len(whole) > SPACE or len(self.held) >= FILES_MAX:
            raise RefusalError(20)
        self.held[name] = whole

    def drop(self, name: str) -> None:
        """RefusalError when it is not there."""
        if self.held.pop(name, None) is None:
            raise RefusalError(NO_FILE)

    def _ear(self) -> Ear | None:
        leg = next(iter(self._modem.calls.live(Stat.ACTIVE)), None)
        if leg is None or leg.connection is None:
            return None
        return Ear(leg.connection, calls=leg.outgoing, speech=[])

    def play(self, name: str, over: Callable[[], None]) -> None:
        """To the far side; `over` when it came to its end. RefusalError without file or call."""
        if name not in self.held:
            raise RefusalError(NO_FILE)
        if self._playing is not None or self._ear() is None:
            raise RefusalError(3)
        data = self.held[name]
        sound = data[data.find(b"data") + 8 :]

        def end() -> None:
            self.stop()
            over()

        now_ns = self._modem.agenda.now_ns
        due = self._modem.later(len(sound) / BYTES_S, end)
        self._playing = sound, now_ns, due

    def stop(self) -> bool:
        """Whether something was played; as much of it was heard as there was time for."""
        if self._playing is None:
            return False
        (sound, begun_ns, due), self._playing = self._playing, None
        due.cancel()
        ear = self._ear()
        passed_s = (self._modem.agenda.now_ns - begun_ns) / 1e9 * self._modem.hurry
        if ear is not None:
            ear.hear(sound[: round(passed_s * BYTES_S / FRAME) * FRAME])
        return True

    def record(self, name: str) -> None:
        """What the far side says; RefusalError without a call."""
        ear = self._ear()
        if self._recording is not None or ear is None:
            raise RefusalError(3)
        self._recording = name, self._modem.agenda.now_ns, ear

    def recorded(self) -> bool:
        """Stop it; whether it was."""
        if self._recording is None:
            return False
        (name, begun_ns, ear), self._recording = self._recording, None
        passed_s = (self._modem.agenda.now_ns - begun_ns) / 1e9 * self._modem.hurry
        frames = min(round(passed_s * BYTES_S / FRAME), HEARD_FRAMES_MAX)
        sound = b"".join(ear.speak() for _ in range(frames))
        head = b"RIFF" + (36 + len(sound)).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\1\0\1\0"
        head += (8_000).to_bytes(4, "little") + (16_000).to_bytes(4, "little") + b"\2\0\x10\0data"
        self.put(name, head + len(sound).to_bytes(4, "little") + sound)
        return True


def _take(m: Modem, name: str, size: int, done: list[str], *, append: bool = False) -> Answer:
    """The bytes that come next are a file's."""
    if not 0 < size <= SPACE:
        raise RefusalError(50)

    def taken(data: bytes) -> None:
        m.reads(on=False)
        m.later(WRITE_S, kept, data)

    def kept(data: bytes) -> None:
        try:
            m.files.put(name, data, append=append)
        except RefusalError as refusal:
            m.refuse(refusal)
        else:
            m.finish(done)

    m.files.taking = size, taken
    m.reads(on=True)
    return None


# -- Quectel: "AT commands manual" of EC2x: FILE, and of its audio ---------------------------------


def _qfupl(m: Modem, c: Command) -> Answer:
    name, size = c.values[0], c.number(1, 0)
    m.tell("CONNECT")
    return _take(m, name, size, [f"+QFUPL: {size},0"])


def _qfopen(m: Modem, c: Command) -> Answer:
    if c.values[0] not in m.files.held:
        raise RefusalError(NO_FILE)
    m.files.open, m.files.at = c.values[0], 0
    return ["+QFOPEN: 1"]


def _qfread(m: Modem, c: Command) -> Answer:
    files = m.files
    data = files.held.get(files.open, b"")[files.at : files.at + c.number(1, 0)]
    files.at += len(data)
    m.raw(f"\r\nCONNECT {len(data)}\r\n".encode() + data)
    return []


def _qfdel(m: Modem, c: Command) -> Answer:
    m.files.drop(c.values[0])
    return []


def _qpsnd(m: Modem, c: Command) -> Answer:
    if c.kind is Kind.TEST:
        return ['+QPSND: (0,1),"<filename>",(0,1),(0,1),(0,1)']
    if c.number(0, 0) == 1:
        m.files.play(c.values[1], lambda: m.urc("+QPSND: 0"))
    else:
        m.files.stop()
    return []


def _qaudrd(m: Modem, c: Command) -> Answer:
    if c.number(0, 0) == 1:
        m.files.record(c.values[1])
    elif m.files.recorded():
        m.later(0.05, m.urc, "+QAUDRIND: 0,0")
    return []


def _done(_m: Modem, _c: Command) -> Answer:
    return []


QUECTEL: Final[dict[str, Handler]] = {
    "+QFUPL": _qfupl, "+QFOPEN": _qfopen, "+QFREAD": _qfread, "+QFCLOSE": _done, "+QFDEL": _qfdel,
    "+QPSND": _qpsnd, "+QAUDRD": _qaudrd,
}  # fmt: skip

# -- SIMCom: SIM7600 "AT+CFTRANRX", "AT+CCMXPLAYWAV", "AT+CREC" ------------------------------------


def _cftranrx(m: Modem, c: Command) -> Answer:
    m.raw(b"\r\n>")
    return _take(m, c.values[0], c.number(1, 0), [])


def _cftrantx(m: Modem, c: Command) -> Answer:
    at, size = c.number(1, 0), c.number(2, 0)
    data = m.files.held.get(c.values[0], b"")[at : at + size]
    if not data:
        raise RefusalError()
    m.raw(f"\r\n+CFTRANTX: DATA,{len(data)}\r\n".encode() + data + b"\r\n+CFTRANTX: 0\r\n")
    return []


def _fsdel(m: Modem, c: Command) -> Answer:
    """A name in the folder where it stands, or one with its folder."""
    name = c.values[0]
    found = next((held for held in m.files.held if held in (name, f"C:/{name}")), None)
    if found is None:
        raise RefusalError()
    m.files.drop(found)
    return []


def _play_wav(m: Modem, c: Command) -> Answer:
    m.files.play(c.values[0], lambda: m.urc("+WAVSTATE: wav play stop"))
    return ["+WAVSTATE: wav play"]


def _stop_wav(m: Modem, _c: Command) -> Answer:
    return ["+WAVSTATE: wav play stop"] if m.files.stop() else []


def _crec(m: Modem, c: Command) -> Answer:
    if c.kind is Kind.READ:
        return ["+CREC: 0"]
    if c.number(0, 0):
        m.files.record(c.values[1])
        return ["+CREC: 1"]
    if m.files.recorded():
        m.later(0.05, m.urc, "+RECSTATE: crec stop")
    return ["+CREC: 0"]


SIM7600: Final[dict[str, Handler]] = {
    "+CFTRANRX": _cftranrx, "+CFTRANTX": _cftrantx, "+FSCD": _done, "+FSDEL": _fsdel,
    "+CCMXPLAYWAV": _play_wav, "+CCMXSTOPWAV": _stop_wav, "+CREC": _crec,
}  # fmt: skip

# -- SIMCom: SIM800 "AT+FSCREATE", "AT+FSWRITE", "AT+CREC" -----------------------------------------

SIM800_WRITE_MAX: Final = 10_240


def _fscreate(m: Modem, c: Command) -> Answer:
    m.files.put(c.values[0], b"")
    return []


def _fswrite(m: Modem, c: Command) -> Answer:
    """+FSWRITE=name,append,size,seconds: of a file that there is."""
    name, size = c.values[0], c.number(2, 0)
    if name not in m.files.held or size > SIM800_WRITE_MAX:
        raise RefusalError()
    m.raw(b"\r\n>")
    return _take(m, name, size, [], append=c.number(1, 0) == 1)


def _crec_800(m: Modem, c: Command) -> Answer:
    """1 records, 2 stops that, 4 plays, 5 stops that."""
    mode = c.number(0, 0)
    if mode == 4:
        m.files.play(c.values[1], lambda: m.urc("+CREC: 0"))
    elif mode == 1:
        m.files.record(c.values[1])
    elif mode == 2 and m.files.recorded():
        return ["+CREC: 2,0"]
    elif mode == 5:
        m.files.stop()
    return []


SIM800: Final[dict[str, Handler]] = {
    "+FSCREATE": _fscreate, "+FSWRITE": _fswrite, "+FSDEL": _fsdel, "+CREC": _crec_800,
}  # fmt: skip
