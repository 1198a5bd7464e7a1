"""USSD codes and SMS of a port, one at a time while no call is up, and operators' commands."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Final

from gsm import port_table as table
from gsm import ussd
from gsm.care import balance_of
from gsm.charset import clean
from gsm.command import Command, Haste, Result
from gsm.events import (
    AtReply,
    Balance,
    Locked,
    SmsFailed,
    SmsIn,
    SmsSent,
    Unlocked,
    UssdReply,
)
from gsm.floor import Floor
from gsm.limits import (
    LONG,
    MEDIUM,
    PASSTHROUGH_MAX,
    SECOND,
    SMS_LISTED_MAX,
    SMS_PENDING_MAX,
    SMS_PENDING_TIME,
    SMS_QUEUE_MAX,
)
from gsm.number import DialString
from gsm.pdu import Joiner, Report, Submit, deliver, submits
from gsm.script import Rest, Steps

STORED: Final = re.compile(r"\+CMGL ?: ?(\d+)")
HEX: Final = re.compile(r"[0-9A-Fa-f]{20,700}$(?!\n)")
LATE: Final = 15 * SECOND  # in which the answer of a code that was given up may still come
UNANSWERED: Final = "the network did not answer"


class Texts:
    """Of one port."""

    def __init__(self, floor: Floor) -> None:
        """Nothing under way."""
        self.floor = floor
        self._reply: ussd.Answer | None = None
        self._coding = False  # a code is under way
        self._late_ns = 0  # until then an answer may be that of a code that was given up
        self._sending: int | None = None  # the text that is being sent
        self._reading: int | None = None  # the place that is being read
        self._open = False  # the network waits for an answer of ours
        self._balance_wanted = False
        self._spelling = ""
        self._out: deque[tuple[int, list[Submit]]] = deque()
        self._reference = floor.rng.randrange(256)
        self._joiner = Joiner(SMS_PENDING_MAX)
        self._places: list[int] = []
        self._kept: list[int] = []
        self._list_all = False
        self._asked = 0

    # codes

    def code(self, code: str, now_ns: int) -> None:
        """Send a code; its answer is told. The state allows it, or is an open menu's."""
        floor = self.floor
        self._reply = None
        if floor.state != table.USSD:
            floor.move(table.CODE, now_ns)
        self._open = False
        self._coding = True
        steps = self._code(code, max(0, self._late_ns - now_ns))
        floor.run("code", steps, now_ns, lambda at: self._coded(at, code=code))

    def menu_open(self) -> bool:
        """Whether the network waits for an answer."""
        return self._open

    def _code(self, code: str, late_ns: int) -> Steps:
        """In the spelling that served last, then in the dialect's others."""
        form = self.floor.dialect.ussd
        if late_ns:
            yield Rest(late_ns)
        ways = [form.encoding, *form.fallback]
        if self._spelling in ways:
            ways.insert(0, ways.pop(ways.index(self._spelling)))
        refused: ussd.Answer | None = None
        for how in ways:
            self._reply = None
            yield from self._spelled(code, how)
            kind = self._kind()
            if kind == "timeout" and refused is not None:  # no word at another spelling is less
                self._reply = refused
                return
            if kind not in ("error", "unsupported"):
                self._spelling = how
                return
            refused = self._reply if kind == "unsupported" else refused

    def _kind(self) -> str:
        return "timeout" if self._reply is None else self._reply.kind

    def _spelled(self, code: str, how: str) -> Steps:
        form = self.floor.dialect.ussd
        text = form.send.replace("{code}", ussd.encode(code, how))
        result = yield Command(text, Haste.TEXT, LONG)
        if not result.ok and self._reply is None:
            self._reply = ussd.Answer("error", result.final or "the modem did not answer")
            if result.outcome == "timeout":
                self._reply = ussd.Answer("timeout", "the modem did not answer")
            return
        for _ in range(max(1, round(form.timeout_s * 4))):
            if self._reply is not None:
                return
            yield Rest(SECOND // 4)
        if form.cancel:
            yield Command(form.cancel, Haste.TEXT, 2 * MEDIUM)
        self._reply = self._reply or ussd.Answer("timeout", UNANSWERED)

    def _coded(self, now_ns: int, *, code: str) -> None:
        reply = self._reply or ussd.Answer("timeout", UNANSWERED)
        self._reply = None
        self._coding = False
        floor = self.floor
        if reply.kind == "timeout":
            self._late_ns = now_ns + LATE
        floor.tell(UssdReply(reply.kind, reply.text))
        self._balance(code, reply.text)
        if reply.kind == "question" and not self._balance_wanted:
            self._open = True
            wait = round(floor.dialect.ussd.timeout_s * SECOND)
            floor.at("menu", now_ns + wait, self._leave)
            return
        if reply.kind == "question":
            self._leave(now_ns)
        else:
            self._done(now_ns)

    def _leave(self, now_ns: int) -> None:
        """Nobody answers the menu: the session is closed."""
        self._open = False
        self._late_ns = now_ns + LATE  # the network tells the session's end
        if self.floor.state == table.USSD:
            self.floor.run("code", self._cancel(), now_ns, self._done)

    def _cancel(self) -> Steps:
        if self.floor.dialect.ussd.cancel:
            yield Command(self.floor.dialect.ussd.cancel, Haste.TEXT, 2 * MEDIUM)

    def _done(self, now_ns: int) -> None:
        self._balance_wanted = self._open = False
        self.floor.cancel("menu")
        if self.floor.state in (table.USSD, table.SMS):
            self.floor.move(table.DONE, now_ns)

    def heard_ussd(self, line: str) -> None:
        """`+CUSD:`, which may come before the OK of its question."""
        answer = ussd.read(line)
        if answer is None or self._asked < self._late_ns:
            return
        if self._coding and self._reply is None:
            self._reply = answer
        elif self.floor.seldom("ussd", self._asked):
            self.floor.tell(UssdReply(answer.kind, answer.text))

    def _balance(self, code: str, text: str) -> None:
        """An answer about the card: told by its carrier's patterns, and heeded."""
        floor = self.floor
        carrier = floor.carrier
        if carrier is None or code not in (carrier.balance_code, carrier.package_code) or not text:
            return
        balance = balance_of(carrier, text)
        floor.tell(balance)
        self._heed(balance)

    def _heed(self, balance: Balance) -> None:
        floor = self.floor
        for reason, locked in floor.care.read_balance(balance, floor.today):
            floor.tell(Locked(reason, None) if locked else Unlocked(reason))

    def ask_balance(self, now_ns: int) -> bool:
        """By the carrier's code, when the port is idle. Whether it has one."""
        carrier = self.floor.carrier
        if carrier is None or not carrier.balance_code or not self.floor.allows(table.CODE):
            return False
        self.floor.care.card.calls = 0
        self._balance_wanted = True
        self.code(carrier.balance_code, now_ns)
        return True

    # texts out

    def send(self, ref: int, number: DialString, text: str) -> str:
        """Queue a text. Returns why not, or nothing. A text that cannot be sent is refused."""
        if len(self._out) >= SMS_QUEUE_MAX:
            return "too many texts wait"
        if "sms" not in self.floor.can:
            return "this modem sends no texts"
        self._reference = (self._reference + 1) & 0xFF
        self._out.append((ref, submits(number, text, self._reference)))
        return ""

    def has_work(self) -> bool:
        """Whether texts are to be sent, fetched or freed."""
        return bool(self._out or self._places or self._kept or self._list_all)

    def work(self, now_ns: int) -> None:
        """Do it. The state allows it."""
        self.floor.move(table.TEXT, now_ns)
        self.floor.run("text", self._work(), now_ns, self._done)

    def _work(self) -> Steps:
        while self._out:
            self._sending = self._out[0][0]
            yield from self._send_one(*self._out.popleft())
            self._sending = None
        if self._list_all:
            self._list_all = False
            yield from self._fetch_all()
        while self._places:
            self._reading = self._places.pop(0)
            yield from self._fetch(self._reading)
            self._reading = None
        while self._kept:
            place = self._kept.pop(0)
            text = self.floor.dialect.sms.delete.replace("{place}", str(place))
            yield Command(text, Haste.TEXT, 2 * MEDIUM)

    def _send_one(self, ref: int, parts: list[Submit]) -> Steps:
        timeout = round(self.floor.dialect.sms.timeout_s * SECOND)
        for part in parts:
            command = Command(f"AT+CMGS={part.length}", Haste.TEXT, timeout, body=part.hex)
            result = yield command
            if not result.ok:
                why = result.final or f"{result.outcome}: the centre did not answer"
                self.floor.tell(SmsFailed(ref, result.code, why))
                return
        self.floor.tell(SmsSent(ref, len(parts)))

    def interrupted(self, why: str) -> None:
        """A code or text that is under way goes no further; who waits for it is told."""
        self._open = self._balance_wanted = False
        self._reply = None
        if self._coding:
            self._coding = False
            self._late_ns = self._asked + LATE
            self.floor.tell(UssdReply("ended", why))
        if self._sending is not None:
            ref, self._sending = self._sending, None
            self.floor.tell(SmsFailed(ref, 0, f"{why}: it may have been sent"))
        if self._reading is not None:
            place, self._reading = self._reading, None
            self._places.insert(0, place)

    def fail_all(self) -> None:
        """The port goes away: nobody waits for what cannot be sent."""
        self.interrupted("the port was lost")
        while self._out:
            ref, _ = self._out.popleft()
            self.floor.tell(SmsFailed(ref, 0, "the port was lost"))

    # texts in

    def arrived(self, place: str) -> None:
        """`+CMTI:` with its slot."""
        wanted = int(place) if place.isdigit() and len(place) < 6 else -1
        if wanted >= 0 and wanted not in self._places and len(self._places) < SMS_LISTED_MAX:
            self._places.append(wanted)

    def look(self) -> None:
        """All that is stored is to be read."""
        self._list_all = "sms" in self.floor.can

    def kept(self, places: Iterable[int]) -> None:
        """These are on disk: their slots are freed."""
        self._kept += [place for place in places if 0 <= place < 1000][:SMS_LISTED_MAX]
        del self._kept[4 * SMS_LISTED_MAX :]

    def _fetch(self, place: int) -> Steps:
        text = self.floor.dialect.sms.read.replace("{place}", str(place))
        result = yield Command(text, Haste.TEXT, 2 * MEDIUM)
        for line in result.lines if result.ok else ():
            if HEX.match(line):
                self._read(place, line)

    def _fetch_all(self) -> Steps:
        result = yield Command(self.floor.dialect.sms.list, Haste.TEXT, LONG)
        place = -1
        for line in result.lines if result.ok else ():
            match = STORED.match(line)
            if match is not None:
                place = int(match[1]) if len(match[1]) < 5 else -1
            elif place >= 0 and HEX.match(line):
                self._read(place, line)
                place = -1

    def _read(self, place: int, line: str) -> None:
        try:
            told = deliver(line)
        except (ValueError, IndexError):
            return  # it stays where it is
        if isinstance(told, Report):
            self.kept((place,))
            return
        now_ns = self._asked
        for text, places, whole in self._joiner.add(told, place, now_ns):
            self._tell(text.sender, text.text, text.at, places, whole=whole)

    def _tell(
        self, sender: str, text: str, at: str, places: tuple[int, ...], *, whole: bool
    ) -> None:
        text = clean(text.replace("\r\n", "\n").replace("\r", "\n"))
        self.floor.tell(SmsIn(clean(sender), text, at, places, whole))
        if not self.floor.settings.keep_sms:
            self.kept(places)

    def tick(self, now_ns: int) -> None:
        """Texts whose parts never came are told as they are."""
        self._asked = now_ns
        for text, places, _ in self._joiner.overdue(now_ns - SMS_PENDING_TIME):
            self._tell(text.sender, text.text, text.at, places, whole=False)

    # operators

    def command(self, text: str, now_ns: int) -> str:
        """Pass an operator's command on. Returns why not, or nothing."""
        if self._passing >= PASSTHROUGH_MAX:
            return "too many commands wait"

        def then(result: Result, _at_ns: int) -> None:
            self._passing -= 1
            lines = (*result.lines, result.final or result.outcome)
            self.floor.tell(AtReply(text, lines, result.ok))

        self._passing += 1
        if not self.floor.put(Command(text, Haste.TEXT, LONG), now_ns, then):
            self._passing -= 1
            return "the port is closed, or too much waits"
        return ""

    _passing = 0
