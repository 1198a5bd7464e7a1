"""One command at a time, and whose answer a line is.

Rules:

- A line is first looked up among those that come unasked, because they come in the middle of
  answers too. What can be both (`+CREG:`) is an answer when the command in flight asks for it.
- After a final result the line rests for a moment (`GUARD`), because modules send what they held
  back then, and lose what is written into that.
- After a timeout nothing is taken for an answer until the modem has proved that it answers us: it
  must be still for `QUIET`, then answer a question whose answer only it gives, its own IMEI. Modems
  answer in order, so all that was late has come before that. The next command can thus never get
  the answer of the one before.
  A proof that was asked for twice may be given twice: the second is dropped with its final result.
- A prompt that nobody asked for, or that leads nowhere, is left by an escape: there is no other way
  out of it, all commands would be taken as text.
- A modem that is silent to the proof `RESYNC_TRIES` times, or leaves `TIMEOUTS_MAX` commands in a
  row unanswered, is dead: the port says so and is opened anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gsm.causes import RESULTS
from gsm.command import Command, Haste, Outcome, Queue, Result, Then
from gsm.dialect import GENERIC, Dialect
from gsm.lexer import PROMPT, Lexer
from gsm.limits import (
    GUARD,
    QUIET,
    RESPONSE_LINES_MAX,
    RESYNC_TRIES,
    SECOND,
    SHORT,
    TIMEOUTS_MAX,
)
from gsm.urc import FINAL, Hit, Urcs, is_asked_registration

STATES = ("closed", "idle", "prompting", "waiting", "resting", "quiet", "proving", "dead")
CLOSED, IDLE, PROMPTING, WAITING, RESTING, QUIETING, PROVING, DEAD = range(8)
EVENTS = (
    "opened", "send", "send with text", "prompt", "final result", "no reply", "in haste", "rested",
    "still", "proved", "given up", "closed",
)  # fmt: skip
(OPENED, SEND, SEND_TEXT, PROMPTED, FINAL_RESULT, NO_REPLY, IN_HASTE, RESTED, STILL, PROVED,
 GIVEN_UP, SHUT) = range(12)  # fmt: skip
TABLE: dict[tuple[int, int], int] = {
    (CLOSED, OPENED): IDLE,
    (IDLE, SEND): WAITING,
    (IDLE, SEND_TEXT): PROMPTING,
    (PROMPTING, PROMPTED): WAITING,
    (PROMPTING, FINAL_RESULT): RESTING,  # refused without a prompt
    (PROMPTING, NO_REPLY): QUIETING,
    (WAITING, FINAL_RESULT): RESTING,
    (WAITING, NO_REPLY): QUIETING,
    (WAITING, IN_HASTE): IDLE,  # a hang-up while ATD waits for the answer
    (RESTING, RESTED): IDLE,
    (QUIETING, STILL): PROVING,
    (PROVING, PROVED): RESTING,
    (PROVING, NO_REPLY): QUIETING,
    (WAITING, GIVEN_UP): DEAD,
    (PROMPTING, GIVEN_UP): DEAD,
    (PROVING, GIVEN_UP): DEAD,
    **{(state, SHUT): CLOSED for state in range(1, 8)},
}

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
        self.state = CLOSED
        self.urcs = Urcs()
        self.imei = ""  # the proof of being answered
        self.errors: tuple[re.Pattern[str], ...] = ()
        self.oks: tuple[re.Pattern[str], ...] = ()
        self.timeouts = 0  # in a row
        self.strays = 0  # lines that were nobody's, for the figures
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

    def speak(self, dialect: Dialect) -> None:
        """The modem's make is known."""
        self.urcs = Urcs(dialect.urc)
        self.errors = tuple(re.compile(text) for text in dialect.errors)
        self.oks = tuple(re.compile(text) for text in dialect.oks)

    # commands

    def put(self, command: Command, then: Then, now_ns: int) -> bool:
        """Have a command sent in its turn. False: the port is closed, or too much waits."""
        if self.state in (CLOSED, DEAD) or not self._queue.put(command, then):
            return False
        flight = self._command
        if (
            command.haste == Haste.HANG_UP
            and self.state == WAITING
            and flight is not None
            and flight.yields
        ):
            self._move(IN_HASTE)
            self._finish(Result("aborted"), now_ns)
        self._next(now_ns)
        return True

    def busy(self) -> bool:
        """Whether a command is in flight or waits."""
        return self._command is not None or bool(len(self._queue))

    def in_doubt(self) -> bool:
        """Whether the modem has not answered, and not yet proved that it does."""
        return self.state in (QUIETING, PROVING, DEAD)

    def opened(self, now_ns: int) -> None:
        """The device is open: nothing of before counts."""
        if self.state != CLOSED:
            self.closed(now_ns)
        self._lexer.reset()
        self._lexer.expects_prompt = False
        self.timeouts = self._proofs = self._owed = 0
        self._swallow = False
        self.imei = ""
        self.speak(GENERIC)
        self._move(OPENED)

    def closed(self, now_ns: int) -> None:
        """It is closed. All who wait are told `gone`."""
        if self.state == CLOSED:
            return
        self._move(SHUT)
        self._due = None
        waiting = self._queue.clear()
        then, self._then, self._command = self._then, None, None
        if then is not None:
            waiting.insert(0, then)
        for each in waiting:
            each(Result("gone"), now_ns)

    # bytes

    def received(self, data: bytes, now_ns: int) -> None:
        """What the modem said."""
        if self.state in (CLOSED, DEAD):
            return
        for token in self._lexer.feed(data):
            if token == PROMPT:
                self._prompted(now_ns)
            else:
                self._line(token, now_ns)
            if self.state in (CLOSED, DEAD):
                return
        if self.state == QUIETING:
            self._due = min(now_ns + QUIET, self._quiet_end)

    def _prompted(self, now_ns: int) -> None:
        if self.state == PROMPTING and self._command is not None:
            self._move(PROMPTED)
            self._write(self._command.body.encode("ascii") + b"\x1a")
            self._due = now_ns + self._command.timeout_ns
        elif self.state != WAITING or self._command is None or not self._command.body:
            self._write(ESCAPE)

    def _line(self, line: str, now_ns: int) -> None:
        if self.state == PROVING:
            self._proving(line, now_ns)
            return
        command = self._command
        if self._is_late_proof(line, command):
            return
        if command is None or self.state not in (WAITING, PROMPTING):
            self._unasked(line, now_ns)
            return
        if line in (command.text, command.body):
            return  # the echo
        outcome = _plain_final(line, command)
        if outcome is not None:
            self._final(outcome, line, now_ns)
            return
        hit = self.urcs.read(line)
        if hit is not None and not (hit.prefixes and self._asked(line, command)):
            self._heard(hit, now_ns)
            return
        if FINAL.fullmatch(line) or any(p.match(line) for p in self.errors):
            self._final("error", line, now_ns)
        elif any(p.match(line) for p in self.oks):
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
        else:
            self.strays += 1

    def _final(self, outcome: Outcome, line: str, now_ns: int) -> None:
        self.timeouts = 0
        match = FINAL.fullmatch(line)
        text = (match["code"] or "") if match else ""
        code = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
        self._move(FINAL_RESULT)
        self._rest(now_ns)
        self._finish(Result(outcome, code, line, tuple(self._lines)), now_ns)

    def _finish(self, result: Result, now_ns: int) -> None:
        then, self._then, self._command = self._then, None, None
        self._lines = []
        self._lexer.expects_prompt = False
        if then is not None:
            then(result, now_ns)

    # time

    def deadline_ns(self) -> int | None:
        """When `tick` is due."""
        return self._due

    def tick(self, now_ns: int) -> None:
        """Time has passed."""
        if self._due is None or now_ns < self._due:
            return
        self._due = None
        if self.state == RESTING:
            self._move(RESTED)
            self._next(now_ns)
        elif self.state in (WAITING, PROMPTING):
            self._silent(now_ns)
        elif self.state == QUIETING:
            self._move(STILL)
            self._prove(now_ns)
        elif self.state == PROVING:
            self._unproved(now_ns)

    def _silent(self, now_ns: int) -> None:
        """A command was not answered, or not to the end."""
        command, lines = self._command, tuple(self._lines)
        enough = command.enough if command is not None else ""
        if enough and any(line.startswith(enough) for line in lines):
            self._move(NO_REPLY)
            self._proofs = 0
            self._be_quiet(now_ns)
            self._finish(Result("ok", lines=lines), now_ns)
            return
        self.timeouts += command is None or not command.optional
        if self.state == PROMPTING or (command is not None and command.body):
            self._write(ESCAPE)
        if self.timeouts >= TIMEOUTS_MAX:
            self._die(now_ns)
            return
        self._move(NO_REPLY)
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
                self._move(PROVED)
                self._rest(now_ns, QUIET)
        elif not line.upper().startswith("AT"):
            self._unasked(line, now_ns)

    def _unproved(self, now_ns: int) -> None:
        self._proofs += 1
        self.timeouts += 1
        if self._proofs >= RESYNC_TRIES or self.timeouts >= TIMEOUTS_MAX:
            self._die(now_ns)
            return
        # Out of a prompt, if it is one; the CR keeps the escape apart from the next command.
        self._write(ESCAPE + b"\r")
        self._move(NO_REPLY)
        self._be_quiet(now_ns)

    def _die(self, now_ns: int) -> None:
        self._move(GIVEN_UP)
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
        if self.state != IDLE or not len(self._queue):
            return
        command, self._then = self._queue.take()
        self._command = command
        self._lines = []
        self._move(SEND_TEXT if command.body else SEND)
        self._lexer.expects_prompt = bool(command.body)
        self._due = now_ns + command.timeout_ns
        self._write(command.text.encode("ascii") + b"\r")

    def _move(self, event: int) -> None:
        self.state = TABLE[self.state, event]


def _plain_final(line: str, command: Command) -> Outcome | None:
    """Final results that are looked at before lines that come unasked."""
    if line == "OK":
        return "ok"
    if command.calls and line.startswith("CONNECT"):  # V.250 6.3.1: it is answered
        return "ok"
    return "ended" if command.calls and line in RESULTS else None
