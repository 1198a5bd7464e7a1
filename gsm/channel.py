"""One command at a time, and whose answer a line is.

Its rules and its table are `gsm.channel_table`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gsm import channel_table as table
from gsm.causes import RESULTS
from gsm.command import Command, Haste, Outcome, Queue, Result, Then
from gsm.dialect import GENERIC, Dialect
from gsm.lexer import DATA, PROMPT, Lexer
from gsm.limits import (
    GUARD,
    POUR,
    POUR_EVERY,
    QUIET,
    RESPONSE_LINES_MAX,
    RESYNC_TRIES,
    SECOND,
    SHORT,
    TIMEOUTS_MAX,
)
from gsm.urc import FINAL, MATCHED_MAX, Hit, Urcs, is_asked_registration

QUIET_MAX: Final = 10 * QUIET  # a modem that never is still is spoken to all the same
ESCAPE: Final = b"\x1b"
Heard = Callable[[Hit, int], None]


class Channel:
    """See the module's text.

    Args:
        heard: is told each line that comes unasked.
        write: takes bytes for the device.
        dead: is told that the modem does not answer any more.
    """

    def __init__(
        self, heard: Heard, write: Callable[[bytes], None], dead: Callable[[int], None]
    ) -> None:
        """Closed."""
        self.state = table.CLOSED
        self.urcs = Urcs()
        self.imei = ""  # the proof of being answered
        self.errors: tuple[re.Pattern[str], ...] = ()
        self.oks: tuple[re.Pattern[str], ...] = ()
        self.timeouts = 0  # in a row
        self.half_dead = False  # it has given signs of life since, and no answer
        self._heard = heard
        self._write = write
        self._dead = dead
        self._lexer = Lexer()
        self._queue = Queue()
        self._command: Command | None = None
        self._then: Then | None = None
        self._lines: list[str] = []
        self._due: int | None = None
        self._quiet_end = 0
        self._proofs = 0
        self._proof = ""
        self._seen_proof = False
        self._unsure = False  # an ATD was broken off: its final result may still come
        self._data = bytearray()  # of a file
        self._poured = 0
        self._pour_ns: int | None = None  # for the next piece of a file

    def speak(self, dialect: Dialect) -> None:
        """The modem's make is known."""
        self.urcs = Urcs(dialect.urc)
        self.errors = tuple(re.compile(text) for text in dialect.errors)
        self.oks = tuple(re.compile(text) for text in dialect.oks)

    # commands

    def put(self, command: Command, then: Then, now_ns: int) -> bool:
        """Have a command sent in its turn. False: the port is closed, or too much waits."""
        if self.state in (table.CLOSED, table.DEAD) or not self._queue.put(command, then):
            return False
        flight = self._command
        if (
            command.haste == Haste.HANG_UP
            and self.state == table.WAITING
            and flight is not None
            and flight.yields
        ):
            self._move(table.IN_HASTE)
            self._unsure = True
            self._finish(Result("aborted"), now_ns)
        self._next(now_ns)
        return True

    def busy(self) -> bool:
        """Whether a command is in flight or waits."""
        return self._command is not None or bool(len(self._queue))

    def in_doubt(self) -> bool:
        """Whether the modem has not answered, and not yet proved that it does."""
        return self.state in (table.QUIETING, table.PROVING, table.DEAD)

    def silence(self) -> str:
        """What to say of a modem that answers no more."""
        half = "the modem answers AT, and nothing else"
        return half if self.half_dead else "the modem does not answer"

    def opened(self, now_ns: int) -> None:
        """The device is open: nothing of before counts."""
        if self.state != table.CLOSED:
            self.closed(now_ns)
        self._lexer.reset()
        self._lexer.expects_prompt = False
        self.timeouts = self._proofs = self._owed = 0
        self._swallow = self._unsure = self.half_dead = False
        self.imei = ""
        self.speak(GENERIC)
        self._move(table.OPENED)

    def closed(self, now_ns: int) -> None:
        """It is closed. All who wait are told `gone`."""
        if self.state == table.CLOSED:
            return
        self._move(table.SHUT)
        self._due = self._pour_ns = None
        self._data.clear()
        waiting = self._queue.clear()
        then, self._then, self._command = self._then, None, None
        if then is not None:
            waiting.insert(0, then)
        for each in waiting:
            each(Result("gone"), now_ns)

    # bytes

    def received(self, data: bytes, now_ns: int) -> None:
        """What the modem said."""
        if self.state in (table.CLOSED, table.DEAD):
            return
        for token in self._lexer.feed(data):
            if token == PROMPT:
                self._prompted(now_ns)
            elif token.startswith(DATA):
                self._data += token[len(DATA) :].encode("latin-1")
            else:
                self._line(token, now_ns)
            if self.state in (table.CLOSED, table.DEAD):
                return
        if self.state == table.QUIETING:
            self._due = min(now_ns + QUIET, self._quiet_end)

    def _prompted(self, now_ns: int) -> None:
        command = self._command
        if self.state == table.PROMPTING and command is not None:
            self._move(table.PROMPTED)
            self._due = now_ns + command.timeout_ns
            if command.data:
                self._due += len(command.data) // POUR * POUR_EVERY
                self._poured = 0
                self._pour(now_ns)
            else:
                self._write(command.body.encode("ascii") + b"\x1a")
        elif self.state != table.WAITING or self._command is None or not self._command.body:
            self._write(ESCAPE)

    def _pour(self, now_ns: int) -> None:
        """The next piece of a file, no faster than a serial line takes it."""
        data = self._command.data if self._command is not None else b""
        self._write(data[self._poured : self._poured + POUR])
        self._poured += POUR
        self._pour_ns = now_ns + POUR_EVERY if self._poured < len(data) else None

    @property
    def bulk(self) -> bool:
        """Whether the bytes of a file come."""
        return self._command is not None and bool(self._command.data_match)

    def _line(self, line: str, now_ns: int) -> None:
        if self.state == table.PROVING:
            self._proving(line, now_ns)
            return
        command = self._command
        if self._is_late_proof(line, command):
            return
        if command is None or self.state not in (table.WAITING, table.PROMPTING):
            self._unasked(line, now_ns)
            return
        if line in (command.text, command.body):
            return  # the echo
        if command.data and self.state == table.PROMPTING and line.startswith("CONNECT"):
            self._prompted(now_ns)
            return
        outcome = _plain_final(line, command)
        if outcome is not None:
            self._final(outcome, line, now_ns)
            return
        hit = self.urcs.read(line)
        if hit is not None and not (hit.prefixes and self._asked(line, command)):
            self._unsure = self._unsure and line not in RESULTS  # it is the ATD's
            self._heard(hit, now_ns)
            return
        if FINAL.fullmatch(line) or any(p.match(line, 0, MATCHED_MAX) for p in self.errors):
            self._final("error", line, now_ns)
        elif any(p.match(line, 0, MATCHED_MAX) for p in self.oks):
            self._final("ok", line, now_ns)
        elif len(self._lines) < RESPONSE_LINES_MAX:
            self._lines.append(line)
            if command.enough and line.startswith(command.enough) and self._due is not None:
                self._due = min(self._due, now_ns + SECOND)

    def _is_late_proof(self, line: str, command: Command | None) -> bool:
        """Whether it belongs to a proof that an earlier one has made needless."""
        if self._swallow and FINAL.fullmatch(line):
            self._swallow = False
            return True
        asked = command is not None and command.prefix == "+CGSN"
        if self._owed > 0 and self.imei in line and not asked:
            self._owed -= 1
            self._swallow = True
            return True
        return False

    def _asked(self, line: str, command: Command) -> bool:
        """Whether a line that may be both answers the command in flight."""
        if not line.upper().startswith(command.prefix) or not command.prefix:
            return False
        if command.prefix in ("+CREG", "+CGREG", "+CEREG"):
            return command.text.endswith("?") and is_asked_registration(line)
        return True

    def _unasked(self, line: str, now_ns: int) -> None:
        hit = self.urcs.read(line)
        if hit is not None:
            self._heard(hit, now_ns)

    def _final(self, outcome: Outcome, line: str, now_ns: int) -> None:
        self.timeouts, self.half_dead = 0, False
        match = FINAL.fullmatch(line)
        text = (match["code"] or "") if match else ""
        code = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
        if self._unsure:  # it may be that of the ATD: the other one comes before the proof
            self._unsure = False
            self._move(table.NO_REPLY)
            self._proofs = 0
            self._be_quiet(now_ns)
        else:
            self._move(table.FINAL_RESULT)
            self._rest(now_ns)
        data = bytes(self._data)
        self._finish(Result(outcome, code, line, tuple(self._lines), data), now_ns)

    def _finish(self, result: Result, now_ns: int) -> None:
        then, self._then, self._command = self._then, None, None
        self._lines = []
        self._data.clear()
        self._pour_ns = None
        self._lexer.expects_prompt = False
        self._lexer.expects_data = None
        if then is not None:
            then(result, now_ns)

    # time

    def deadline_ns(self) -> int | None:
        """When `tick` is due."""
        if self._pour_ns is not None and self._due is not None:
            return min(self._pour_ns, self._due)
        return self._due

    def tick(self, now_ns: int) -> None:
        """Time has passed."""
        if self._pour_ns is not None and now_ns >= self._pour_ns:
            self._pour(now_ns)
        if self._due is None or now_ns < self._due:
            return
        self._due = None
        if self.state == table.RESTING:
            self._move(table.RESTED)
            self._next(now_ns)
        elif self.state in (table.WAITING, table.PROMPTING):
            self._silent(now_ns)
        elif self.state == table.QUIETING:
            self._move(table.STILL)
            self._prove(now_ns)
        elif self.state == table.PROVING:
            self._unproved(now_ns)

    def _silent(self, now_ns: int) -> None:
        """A command was not answered, or not to the end."""
        command, lines = self._command, tuple(self._lines)
        self._unsure = False  # the proof that follows is for both
        enough = command.enough if command is not None else ""
        if enough and any(line.startswith(enough) for line in lines):
            self._move(table.NO_REPLY)
            self._proofs = 0
            self._be_quiet(now_ns)
            self._finish(Result("ok", lines=lines), now_ns)
            return
        self.timeouts += command is None or not command.optional
        if self.state == table.PROMPTING or (command is not None and command.body):
            self._write(ESCAPE)
        if self.timeouts >= TIMEOUTS_MAX:
            self._die(now_ns)
            return
        self._move(table.NO_REPLY)
        self._proofs = 0
        self._be_quiet(now_ns)
        self._finish(Result("timeout"), now_ns)

    def _be_quiet(self, now_ns: int) -> None:
        self._due = now_ns + QUIET
        self._quiet_end = now_ns + QUIET_MAX

    def _prove(self, now_ns: int) -> None:
        self._lexer.reset()
        self._seen_proof = False
        self._proof = self.imei
        self._owed += bool(self.imei)
        self._write(b"AT+CGSN\r" if self.imei else b"AT\r")
        self._due = now_ns + SHORT

    def _proving(self, line: str, now_ns: int) -> None:
        if self._proof and self._proof in line:
            self._seen_proof = True
            self._owed -= 1
        elif FINAL.fullmatch(line):
            if not self._proof or self._seen_proof:
                self.half_dead = True
                self._move(table.PROVED)
                self._rest(now_ns, QUIET)
        elif not line.upper().startswith("AT"):
            self._unasked(line, now_ns)

    def _unproved(self, now_ns: int) -> None:
        self._proofs += 1
        self.timeouts += 1
        self.half_dead = False
        if self._proofs >= RESYNC_TRIES or self.timeouts >= TIMEOUTS_MAX:
            self._die(now_ns)
            return
        # Out of a prompt, if it is one; the CR keeps the escape apart from the next command.
        self._write(ESCAPE + b"\r")
        self._move(table.NO_REPLY)
        self._be_quiet(now_ns)

    def _die(self, now_ns: int) -> None:
        self._move(table.GIVEN_UP)
        self._due = None
        waiting = self._queue.clear()
        self._finish(Result("timeout"), now_ns)
        for each in waiting:
            each(Result("gone"), now_ns)
        self._dead(now_ns)

    def _rest(self, now_ns: int, rest_ns: int = GUARD) -> None:
        self._due = now_ns + rest_ns

    def _next(self, now_ns: int) -> None:
        """Send the next command, if it may be sent now."""
        if self.state != table.IDLE or not len(self._queue):
            return
        command, self._then = self._queue.take()
        self._command = command
        self._lines = []
        asks = bool(command.body or command.data)
        self._move(table.SEND_TEXT if asks else table.SEND)
        self._lexer.expects_prompt = asks
        if command.data_match:
            self._lexer.expects_data = re.compile(command.data_match)
        self._due = now_ns + command.timeout_ns
        self._write(command.text.encode("ascii") + b"\r")

    def _move(self, event: int) -> None:
        self.state = table.TABLE[self.state, event]


def _plain_final(line: str, command: Command) -> Outcome | None:
    """Final results that are looked at before lines that come unasked."""
    if line == "OK":
        return "ok"
    if command.calls and line.startswith("CONNECT"):  # V.250 6.3.1: it is answered
        return "ok"
    return "ended" if command.calls and line in RESULTS else None
