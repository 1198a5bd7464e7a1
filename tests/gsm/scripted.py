"""A modem made of answers: each test says what is said to which command, and when."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.gsm.drive import Modem

Answer = str | Callable[[str], str | None] | None
OK = "\r\nOK\r\n"
ERROR = "\r\nERROR\r\n"


def lines(*texts: str) -> str:
    """Information lines and OK."""
    return "".join(f"\r\n{text}\r\n" for text in texts) + OK


BASE: dict[str, Answer] = {
    r"AT\+CGMI": lines("Acme"),
    r"AT\+CGMM": lines("M1"),
    r"AT\+CGMR": lines("1.0"),
    r"AT\+CGSN": lines("490154203237518"),
    r"AT\+CPIN\?": lines("+CPIN: READY"),
    r"AT\+CIMI": lines("452010000000001"),
    r"AT\+CCID": lines("+CCID: 89840100000000000017"),
    r"AT\+CNUM": lines('+CNUM: "","+84901234567",145'),
    r"AT\+CREG\?": lines('+CREG: 2,1,"00A1","0B2C",2'),
    r"AT\+CSQ": lines("+CSQ: 20,99"),
    r"AT\+COPS\?": lines('+COPS: 0,0,"MobiFone",2'),
    r"AT\+CMGL=4": OK,
}


class Scripted(Modem):
    """Answers by the first pattern that fits; commands it does not know get OK."""

    def __init__(self, **makes: str) -> None:
        self.answers: dict[str, Answer] = dict(BASE)
        self.delay_s = 0.01
        self.mute = False
        self.echo = False
        self.calls: list[str] = []  # lines of AT+CLCC
        self.heard: list[str] = []
        self.raw: list[bytes] = []
        self.partial = b""
        self.texting = False
        self.manner: Callable[[str], str] = str  # how it writes what it says
        for name, text in makes.items():
            self.answers[rf"AT\+{name}"] = lines(text)

    def opened(self) -> None:
        self.partial = b""
        self.texting = False

    def set(self, pattern: str, answer: Answer) -> None:
        """This pattern is looked at before all others."""
        rest = {k: v for k, v in self.answers.items() if k != pattern}
        self.answers = {pattern: answer, **rest}

    def said(self, data: bytes) -> None:
        self.raw.append(data)
        if self.mute:
            return
        for byte in data:
            char = bytes((byte,))
            if self.texting and char in (b"\x1a", b"\x1b"):
                text, self.partial, self.texting = self.partial.decode(), b"", False
                self._handle("PDU " + text if char == b"\x1a" else "ESC")
            elif char == b"\r" and not self.texting:
                line, self.partial = self.partial.decode("latin-1"), b""
                self._handle(line.lstrip("\x1b"))
            else:
                self.partial += char

    def _handle(self, line: str) -> None:
        self.heard.append(line)
        if self.echo:
            self.hand.say(line + "\r")
        answer = self._answer(line)
        if answer is not None:
            said = self.manner(answer)
            self.hand.later(self.delay_s, lambda: self.hand.say(said))

    def _answer(self, line: str) -> str | None:
        for pattern, answer in self.answers.items():
            if re.fullmatch(pattern, line):
                return answer(line) if callable(answer) else answer
        if line == "AT+CLCC":
            return lines(*(f"+CLCC: {call}" for call in self.calls))
        if line.startswith("AT+CMGS="):
            self.texting = True
            return "\r\n> "
        if line.startswith("PDU"):
            return lines("+CMGS: 17")
        if re.fullmatch(r"AT\+CHUP|ATH|AT\+CHLD=.*", line):
            self.calls = []
        return OK

    # what tests do to it

    def say_in(self, seconds: float, text: str) -> None:
        self.hand.later(seconds, lambda: self.hand.say(text))

    def call_in(self, seconds: float, *calls: str) -> None:
        """From then on these are listed."""

        def change() -> None:
            self.calls = list(calls)

        self.hand.later(seconds, change)

    def count(self, pattern: str) -> int:
        return sum(re.fullmatch(pattern, line) is not None for line in self.heard)
