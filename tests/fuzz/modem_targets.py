"""What a modem may say: its lines, its texts, and a whole port that listens to it."""

from __future__ import annotations

import contextlib
import random
import tomllib

import msgspec

from gsm import ussd
from gsm.charset import from_ucs2
from gsm.dialect import Dialect
from gsm.effects import Write
from gsm.lexer import PROMPT, Lexer
from gsm.limits import LINE_MAX
from gsm.number import DialString
from gsm.pdu import deliver
from gsm.port import Port
from gsm.settings import PortSettings
from tests import tree

SECOND = 1_000_000_000
DIALECTS = tuple(
    msgspec.convert(tomllib.loads(path.read_text()), Dialect)
    for path in sorted((tree.ROOT / "conf" / "gsm").glob("*.toml"))
)


def lines(data: bytes) -> None:
    """Any chunking gives the same lines; none is too long or holds what could end a command."""
    cut = data[0] if data else 0
    whole = Lexer().feed(data)
    parts = Lexer()
    told = parts.feed(data[:cut]) + parts.feed(data[cut:])
    assert told == whole or len(whole) > 2_000
    for line in whole:
        assert line == PROMPT or (len(line) <= LINE_MAX and "\r" not in line and "\0" not in line)


def texts(data: bytes) -> None:
    """PDUs and USSD answers are texts or errors."""
    with contextlib.suppress(ValueError, IndexError):
        deliver(data.hex())
    line = data.decode("latin-1")
    for shown in (line, f'+CUSD: 0,"{line}",72', f'+CUSD: 1,"{data.hex()}",15'):
        answer = ussd.read(shown)
        assert answer is None or len(answer.text) <= 2_048
    from_ucs2(data)


def port(data: bytes) -> None:
    """A port that is dialed while a modem says anything; zeros let time pass."""
    rng = random.Random(len(data))
    machine = Port(PortSettings("fuzz", dialect=rng.choice(DIALECTS).name), DIALECTS, (), rng)
    now = SECOND
    machine.start(now)
    machine.opened(now)
    for leg, chunk in enumerate(data.split(b"\0")[:200]):
        machine.received(chunk, now)
        machine.dial(leg, DialString("0912345678"), now)
        for effect in machine.drain():
            if isinstance(effect, Write):
                assert effect.data.count(b"\r") <= 1
                assert b"\n" not in effect.data
                assert b"\0" not in effect.data
        now += rng.randrange(SECOND)
        machine.tick(now)
    assert machine.state
