"""From an open device to a usable card: is anybody there, who is it, what was left behind.

A call that an earlier process left up is found and ended before anything else; a PIN is entered
only where two tries are left, and never again once it was refused.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Final

from gsm.card import ANY_PIN, MODULE, SLOT, is_pin, pin_mark
from gsm.care import carrier_of
from gsm.clearing import clear
from gsm.command import Command, Result
from gsm.dialect import GENERIC, Dialect
from gsm.events import Identified
from gsm.floor import Floor
from gsm.limits import (
    BRIEF,
    MEDIUM,
    NAME_MAX,
    PIN_TRIES_LEFT_MIN,
    SECOND,
    SIM_EVERY,
    SIM_TRIES,
    SYNC_EACH,
    SYNC_TRIES,
)
from gsm.script import Rest, Steps
from gsm.urc import MATCHED_MAX

Answers = Generator["Command | Rest", Result, Result]
_DIGITS: Final = re.compile(r"(?<!\d)(\d{14,22})(?:[Ff]|\b)")
_ICCID_FILE: Final = re.compile(r'\+CRSM: ?\d{1,3}, ?\d{1,3}, ?"?([0-9A-Fa-f]{20})')
_ICCID: Final = re.compile(r"(89[0-9A-Fa-f]{16,18})")
_NUMBER: Final = re.compile(r'"(\+?\d{3,20})"')
_NO_CARD: Final = {10: "no card", 13: "the card does not answer", 15: "a wrong card",
                   12: "the card wants its PUK", 18: "the card wants its PUK2"}  # fmt: skip
_BUSY: Final = 14
_WANTS_PIN: Final = 11
STUCK_RESETS_MAX: Final = 2
PIN_KEPT: Final = 2 * SECOND  # in which the driver has written what it was told about a card
SILENCES_MAX: Final = 2


def text_of(result: Result, command: str) -> str:
    """The first line of information, without its prefix and quotes.

    What is no ASCII is none (27.007 5.1: characters of the IRA): a modem that spews bytes has a
    name all the same.
    """
    for line in result.lines:
        bare = re.sub(r"^\+\w+ ?: ?", "", line).strip().strip('"')
        if bare and bare.upper() != command and bare.isascii() and bare.isprintable():
            return bare[:NAME_MAX]
    return ""


class Starting:
    """The sequences of coming up."""

    def __init__(self, floor: Floor) -> None:
        """Of this port."""
        self.floor = floor
        self._silences: dict[str, int] = {}  # of this module, by command
        self._stuck = 0  # resets in a row that left the call up
        self._who = {"imei": "", "manufacturer": "", "model": "", "revision": ""}

    # is anybody there

    def sync(self) -> Steps:
        """Any final result is a sign of life: some modems answer a bare AT with ERROR."""
        for _ in range(SYNC_TRIES):
            result = yield Command("AT", timeout_ns=SYNC_EACH)
            if result.outcome in ("ok", "error"):
                return

    # who is it

    def identify(self) -> Steps:
        """Echo off, names, the dialect, what was left behind, the module's own commands."""
        yield from self.optional("ATE0")
        yield from self.optional("AT+CMEE=1")
        who = {}
        for name, asked in (
            ("manufacturer", ("AT+CGMI", "AT+GMI", "ATI")),
            ("model", ("AT+CGMM", "AT+GMM")),
            ("revision", ("AT+CGMR", "AT+GMR")),
        ):
            result = yield from self._first(asked)
            who[name] = text_of(result, asked[0])
        dialect = self._choose(who["manufacturer"], who["model"])
        result = yield from self._first((dialect.identity.imei, "AT+GSN"))
        found = _DIGITS.search(" ".join(result.lines))
        who["imei"] = found[1][:16] if found else ""
        if who["imei"] != self._who["imei"]:
            self._silences.clear()
        self._who = who
        self.floor.dialect = dialect
        self.floor.cause_pattern = re.compile(dialect.calls.cause_match)
        channel = self.floor.channel
        channel.speak(dialect)
        asks_imei = dialect.identity.imei.upper() == "AT+CGSN"
        channel.imei = who["imei"] if result.ok and asks_imei else ""
        stuck = yield from self._strangers()
        yield from self._probe(dialect)
        why = yield from self.inits("module")
        if why or stuck:
            self.floor.waits(why or stuck)

    def optional(self, text: str, timeout_ns: int = BRIEF) -> Answers:
        """A command that a modem need not know. Met with silence twice, it is not sent again."""
        if self._silences.get(text, 0) >= SILENCES_MAX:
            return Result("timeout")
        result = yield Command(text, timeout_ns=timeout_ns, optional=True)
        if result.outcome != "timeout":
            self._silences.pop(text, None)
        elif self.floor.channel.imei:  # else it may not have been there at all
            self._silences[text] = self._silences.get(text, 0) + 1
        return result

    def _first(self, asked: tuple[str, ...]) -> Answers:
        """The first of several questions that is answered."""
        result = Result("error")
        for text in asked:
            result = yield Command(text, timeout_ns=MEDIUM)
            if result.ok and result.lines:
                return result
            if result.outcome == "timeout":
                break
        return result

    def _choose(self, manufacturer: str, model: str) -> Dialect:
        floor = self.floor
        wanted = floor.settings.dialect
        if wanted != "auto":
            return floor.dialects.get(wanted, GENERIC)
        return choose(tuple(floor.dialects.values()), manufacturer, model)

    def _probe(self, dialect: Dialect) -> Steps:
        can = {"voice", "audio", "clcc", "ussd", "sms"}
        for probe in dialect.probe:
            result = yield from self.optional(probe.send, MEDIUM)
            told = bool(result.lines) or not result.ok  # a bare OK says neither yes nor no
            if told and not _as_expected(probe.expect, result):
                can.discard(probe.can)
        if dialect.audio.kind == "none":
            can.discard("audio")
        self.floor.can = frozenset(can)

    def inits(self, when: str) -> Generator[Command | Rest, Result, str]:
        """The dialect's commands of that moment. Returns why the port is of no use, or nothing."""
        for init in self.floor.dialect.init:
            if init.when != when:
                continue
            accepted = False
            for _ in range(init.tries):
                timeout = round(init.timeout_s * SECOND)
                if init.needed:
                    result = yield Command(init.send, timeout_ns=timeout)
                else:
                    result = yield from self.optional(init.send, timeout)
                accepted = _as_expected(init.expect, result)
                if accepted:
                    break
                if init.tries > 1:
                    yield Rest(SECOND)
            if init.pause_s:
                yield Rest(round(init.pause_s * SECOND))
            if init.needed and not accepted:
                return f"the module does not accept {init.send}"
        return ""

    def _strangers(self) -> Generator[Command | Rest, Result, str]:
        """End whatever call is up: nobody of ours is in it. Returns what no reset helps against."""
        if (yield from clear(self.floor)) != "stands":
            self._stuck = 0
            return ""
        self._stuck += 1
        if self._stuck > STUCK_RESETS_MAX:
            return "a call that neither a command nor a reset ends"
        self.floor.reset_why = "a call that no command ends"
        return ""

    # its card

    def card(self) -> Generator[Command | Rest, Result, str]:
        """Until the card is usable. Returns why it is not, or nothing."""
        why = "the card does not get ready"
        entered = False
        for _ in range(SIM_TRIES):
            result = yield Command("AT+CPIN?", timeout_ns=2 * MEDIUM, enough="+CPIN")
            said = next((x for x in result.lines if x.startswith("+CPIN")), "").upper()
            if "READY" in said and "NOT READY" not in said:
                if entered:
                    self.floor.care.card.refused_pin = ""  # it was right
                return ""
            if ("SIM PIN" in said and "PIN2" not in said) or result.code == _WANTS_PIN:
                if not entered:  # cards take seconds to say READY after the right one
                    why = yield from self._pin()
                    if why:
                        return why
                    entered, why = True, "the card does not get ready after its PIN"
            elif "PUK" in said:
                return "the card wants its PUK"
            elif "NOT INSERTED" in said or "REMOVED" in said:
                why = "no card"
            elif result.code in _NO_CARD:
                return _NO_CARD[result.code]
            elif result.outcome == "timeout":
                self.floor.waits("the modem says nothing about its SIM")
            yield Rest(SIM_EVERY)
        return why

    def _pin(self) -> Generator[Command | Rest, Result, str]:
        """Enter the PIN if that is safe. Returns why not, or nothing."""
        floor, imei = self.floor, self._who["imei"]
        iccid = yield from self._iccid()
        key = iccid or (MODULE + imei if imei else SLOT + floor.settings.name)
        floor.change_card(key)  # what is kept of it is told to us before the answers that follow
        if iccid:
            self._tell("", iccid, "")
        pin = dict(floor.settings.pins).get(iccid, floor.settings.pin)
        if not is_pin(pin):
            if pin:
                return "the card wants its PIN, and the configured one is not 4 to 8 digits"
            return "the card wants a PIN and none is configured"
        left = yield from self._tries()
        if left is None and floor.settings.pin_tries:
            left = floor.settings.pin_tries
        if floor.care.card.refuses(pin):
            return "the configured PIN was refused before"
        if left is None:
            return "the card wants its PIN, and the module does not tell how many tries are left"
        if left < PIN_TRIES_LEFT_MIN:
            return f"the card wants its PIN, and only {left} tries are left: enter it by hand"
        # Refused until the opposite is known, and kept so: we may be killed before its answer, a
        # timeout may hide a refusal.
        floor.care.card.refused_pin = ANY_PIN
        yield Rest(PIN_KEPT)  # so that it is on the disk before the PIN is on its way
        floor.secret = True
        text = floor.dialect.pin.enter.replace("{pin}", pin)
        try:
            result = yield Command(text, timeout_ns=2 * MEDIUM)
        finally:
            floor.secret = False
        if result.outcome == "error":
            floor.care.card.refused_pin = pin_mark(key, pin)
        return "" if result.ok else "the configured PIN was refused"

    def _tries(self) -> Generator[Command | Rest, Result, int | None]:
        pattern = re.compile(self.floor.dialect.pin.match)
        for text in self.floor.dialect.pin.tries:
            result = yield from self.optional(text, MEDIUM)
            for line in result.lines if result.ok else ():
                match = pattern.search(line, 0, MATCHED_MAX)
                if match is not None and match["tries"].isdigit():
                    return int(match["tries"])
        return None

    def know_card(self) -> Generator[Command | Rest, Result, str]:
        """Who the card is, then the commands that want one."""
        identity = self.floor.dialect.identity
        imsi = ""
        for _ in range(5):
            result = yield Command(identity.imsi, timeout_ns=MEDIUM)
            imsi = text_of(result, identity.imsi) if result.ok else ""
            if result.code != _BUSY:
                break
            yield Rest(SIM_EVERY)
        imsi = imsi if re.fullmatch(r"\d{6,16}", imsi, re.ASCII) else ""
        iccid = yield from self._iccid()
        number = ""
        if identity.number:
            result = yield from self.optional(identity.number)
            found = _NUMBER.search(" ".join(result.lines)) if result.ok else None
            number = found[1] if found else ""
        self._identified(imsi, iccid, number)
        why = yield from self.inits("sim")
        if why:
            return why
        for text in self.floor.dialect.sms.setup:
            result = yield from self.optional(text)
            if not result.ok and text.startswith("AT+CMGF"):
                self.floor.can -= {"sms"}  # it has no PDUs
                break
        return ""

    def _iccid(self) -> Generator[Command | Rest, Result, str]:
        """Of the card, which tells it before its PIN too; empty where the module cannot ask."""
        for text in self.floor.dialect.identity.iccid:
            result = yield from self.optional(text)
            said = " ".join(result.lines) if result.ok else ""
            file = _ICCID_FILE.search(said)
            if file:  # ETSI TS 102 221 13.2: the digits of each octet are swapped
                said = "".join(high + low for low, high in zip(*[iter(file[1])] * 2, strict=True))
            found = _ICCID.search(said)
            if found:
                return found[1].upper().rstrip("F")
        return ""

    def _identified(self, imsi: str, iccid: str, number: str) -> None:
        floor = self.floor
        floor.carrier = carrier_of(floor.carriers, imsi)
        floor.change_card(iccid or imsi)
        if floor.care.card.refused_pin == ANY_PIN:
            floor.care.card.refused_pin = ""  # whatever was on its way then, the card is ready
        self._tell(imsi, iccid, number)

    def nobody_yet(self) -> None:
        """Tell the module before its card is known."""
        self._tell("", "", "")

    def _tell(self, imsi: str, iccid: str, number: str) -> None:
        floor, who = self.floor, self._who
        carrier = floor.carrier.name if floor.carrier and imsi else ""
        floor.identity = Identified(
            who["imei"], who["manufacturer"], who["model"], who["revision"], floor.dialect.name,
            iccid, imsi, number, carrier, floor.audio_class(), "voice" in floor.can,
        )  # fmt: skip
        floor.tell(floor.identity)


def _as_expected(pattern: str, result: Result) -> bool:
    """Whether it is accepted, with a line as the dialect wants it."""
    lines = (line[:MATCHED_MAX] for line in result.lines)
    return result.ok and (not pattern or any(re.search(pattern, line) for line in lines))


def choose(dialects: tuple[Dialect, ...], manufacturer: str, model: str) -> Dialect:
    """The dialect of a module: one that names its model before one that names its maker only."""

    def matches(patterns: tuple[str, ...], text: str) -> bool:
        return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)

    best, rank = GENERIC, 0
    for dialect in dialects:
        makers, models = dialect.manufacturers, dialect.models
        if not makers and not models:
            if rank == 0:
                best = dialect if dialect.name == GENERIC.name else best
            continue
        if makers and not matches(makers, manufacturer):
            continue
        if models and not matches(models, model):
            continue
        mine = bool(makers) + 2 * bool(models)
        if mine > rank:
            best, rank = dialect, mine
    return best
