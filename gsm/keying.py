"""Keys of a call: those that we send, one at a time, and those that the modem hears."""

from __future__ import annotations

from gsm.call import Call
from gsm.command import Command, Haste
from gsm.events import Digit, DigitsSent
from gsm.floor import Floor
from gsm.limits import DIGITS_MAX, MEDIUM, MS
from gsm.number import RefusedError, keys
from gsm.script import Rest, Steps


class Keying:
    """Of one port."""

    def __init__(self, floor: Floor) -> None:
        """No key yet."""
        self.floor = floor
        self._waiting = ""
        self._last = ("", 0)

    def send(self, call: Call, text: str, now_ns: int) -> str:
        """Send keys after those that wait. Returns why not, or nothing."""
        try:
            wanted = keys(text)
        except RefusedError as error:
            return str(error)
        allowed = self.floor.dialect.dtmf.keys
        unable = sorted(set(wanted) - set(allowed))
        if unable:
            return f"this modem cannot send {' '.join(unable)}"
        if len(self._waiting) + len(wanted) > DIGITS_MAX:
            return "too many keys wait"
        self._waiting += wanted
        if not self.floor.running("keys"):
            self.floor.run("keys", self._keys(call), now_ns)
        return ""

    def _keys(self, call: Call) -> Steps:
        dtmf = self.floor.dialect.dtmf
        refused = ""
        while self._waiting:
            digit, self._waiting = self._waiting[0], self._waiting[1:]
            text = dtmf.send.replace("{digit}", digit).replace("{id}", str(call.id or 1))
            result = yield Command(text, Haste.KEY, MEDIUM)
            if not result.ok:
                refused += digit
            if dtmf.gap_ms:
                yield Rest(dtmf.gap_ms * MS)
        self.floor.tell(DigitsSent(call.leg, refused))

    def stop(self) -> None:
        """The call is over: keys that wait are nobody's."""
        self._waiting = ""
        self._last = ("", 0)
        self.floor.stop("keys")

    def heard(self, call: Call | None, digit: str, now_ns: int) -> None:
        """The modem heard a key; the same one told again at once is one key."""
        if call is None or call.answered_ns is None or not digit:
            return
        same, at_ns = self._last
        again = same == digit and now_ns - at_ns < self.floor.dialect.dtmf.same_ms * MS
        self._last = (digit, now_ns)
        if not again:
            self.floor.tell(Digit(call.leg, digit))
