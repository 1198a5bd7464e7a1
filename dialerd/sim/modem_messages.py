"""USSD and short messages of one simulated modem: TS 27.007, 7.15 (+CUSD) and TS 27.005."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dialerd.sim import limits, modem_text
from dialerd.sim.modem_kit import Answer, Handler, RefusalError
from dialerd.sim.modem_line import Command, Kind
from dialerd.sim.modem_pdu import UCS2, Deliver, Submit, deliver, submit, text_stamp

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem

STATES = ("REC UNREAD", "REC READ", "STO UNSENT", "STO SENT")


class Stored(msgspec.Struct):
    """A text on the card."""

    message: Deliver
    state: int = 0  # of STATES


class Messages:
    """What one card has been sent, and what is asked of the network by codes."""

    def __init__(self, modem: Modem) -> None:
        """None."""
        self._modem = modem
        self.stored: dict[int, Stored] = {}
        self.reference = 0

    # ---- codes

    def ask(self, code: str) -> None:
        """Ask the network; its reply comes by +CUSD. RefusalError."""
        modem = self._modem
        if not modem.registered:
            raise RefusalError(30)
        modem.only("ussd", modem.rng.uniform(*modem.habits.ussd_s), self._replied, code)

    def _replied(self, code: str) -> None:
        modem = self._modem
        if modem.card is None or not modem.registered:
            modem.tell("+CUSD: 5")
            return
        kind, text = modem.network.codes.reply(modem.card, code)
        if not text:
            modem.tell(f"+CUSD: {kind}")
            return
        septets = modem_text.to_septets(text)
        if septets is None:
            ucs2 = modem_text.to_hex(text.encode("utf-16-be"))
            modem.tell(f'+CUSD: {kind},"{ucs2}",72')
        elif modem.set["ussd_hex7"]:
            packed = modem_text.to_hex(modem_text.ussd_pack(septets))
            modem.tell(f'+CUSD: {kind},"{packed}",15')
        else:
            modem.tell(f'+CUSD: {kind},"{modem_text.encode(text, modem.set["CSCS"])}",15')

    # ---- texts

    def arrive(self) -> None:
        """Take what waits in the network, as far as the card has room."""
        modem = self._modem
        if modem.card is None:
            return
        mode = modem.set["CNMI"][1]
        waiting = modem.network.texts.waiting(modem.card.number)
        while waiting:
            if mode == 2:
                self._route(waiting.popleft())
                continue
            free = [i for i in range(1, limits.MODEM_TEXTS_MAX + 1) if i not in self.stored]
            if not free:
                return
            self.stored[free[0]] = Stored(waiting.popleft())
            if mode == 1:
                modem.urc(f'+CMTI: "{modem.set["CPMS"]}",{free[0]}')

    def _route(self, message: Deliver) -> None:
        modem = self._modem
        if modem.set["CMGF"]:
            body = self.body(message)
            modem.tell(f'+CMT: "{message.sender}",,"{text_stamp(message.at_ms)}"\r\n{body}')
        else:
            octets, length = deliver(message, self.centre)
            modem.tell(f"+CMT: ,{length}\r\n{modem_text.to_hex(octets)}")

    @property
    def centre(self) -> str:
        """The card's service centre."""
        return self._modem.card.carrier.smsc if self._modem.card else ""

    def body(self, message: Deliver) -> str:
        """A text in text mode: hexadecimal UCS2 when it does not fit, as modems do."""
        charset = self._modem.set["CSCS"]
        if message.coding == UCS2:
            return modem_text.to_hex(message.text.encode("utf-16-be"))
        return modem_text.encode(message.text, charset)

    def shown(self, name: str, index: int, *, with_index: bool) -> str:
        """A stored text as +CMGR or +CMGL shows it; it is read from now on."""
        stored = self.stored[index]
        state, message = stored.state, stored.message
        if state == 0:
            stored.state = 1
        place = f"{index}," if with_index else ""
        if self._modem.set["CMGF"]:
            who = f'"{STATES[state]}","{message.sender}",,"{text_stamp(message.at_ms)}"'
            return f"{name}: {place}{who}\r\n{self.body(message)}"
        octets, length = deliver(message, self.centre)
        return f"{name}: {place}{state},,{length}\r\n{modem_text.to_hex(octets)}"

    def send(self, message: Submit) -> None:
        """Hand a text to the network; the command ends when that has taken it."""
        modem = self._modem

        def taken() -> None:
            if not modem.registered or modem.card is None:
                modem.refuse(RefusalError(cms=331))
                return
            self.reference = (self.reference + 1) & 0xFF
            modem.network.submit(modem.card, message)
            modem.finish([f"+CMGS: {self.reference}"])

        modem.later(modem.rng.uniform(*modem.habits.sms_s), taken)


def cusd(m: Modem, c: Command) -> Answer:
    """+CUSD."""
    if c.kind is Kind.TEST:
        return ["+CUSD: (0-2)"]
    if c.kind is Kind.READ:
        return [f"+CUSD: {m.set['CUSD']}"]
    values = c.values
    mode = c.number(0, 0)
    m.set["CUSD"] = min(mode, 1)
    if mode == 2 and m.card is not None:
        m.network.codes.forget(m.card)
    if mode != 1 or len(values) < 2:
        return []
    if m.set["ussd_hex7"]:
        code = modem_text.from_septets(modem_text.ussd_unpack(modem_text.from_hex(values[1])))
    else:
        code = modem_text.decode(values[1], m.set["CSCS"])
    if not m.habits.ussd_early:
        m.messages.ask(code)
        return []
    m.messages.ask(code)
    m.later(m.habits.ussd_s[1] + 0.01, m.finish, [])
    return None


def cmgs(m: Modem, c: Command) -> Answer:
    """+CMGS: a text, after the prompt."""
    if c.kind is Kind.TEST:
        return []
    values = c.values
    if c.kind is not Kind.SET or not values:
        raise RefusalError(cms=304)
    length = -1 if m.set["CMGF"] else int(values[0])

    def take(text: bytes | None) -> None:
        if text is None:
            m.finish([])
            return
        try:
            message = _written(m, values[0], text) if length < 0 else _submitted(text, length)
        except ValueError:
            m.refuse(RefusalError(cms=304 if length >= 0 else 305))
            return
        m.messages.send(message)

    m.prompt(take)
    return None


def _submitted(text: bytes, length: int) -> Submit:
    """PDU mode; ValueError."""
    octets = modem_text.from_hex("".join(text.decode("latin-1").split()))
    if not octets or len(octets) - octets[0] - 1 != length:
        raise ValueError("another length than announced")
    return submit(octets[octets[0] + 1 :])


def _written(m: Modem, number: str, text: bytes) -> Submit:
    """Text mode; ValueError."""
    charset = m.set["CSCS"]
    number = modem_text.decode(number, charset) if charset == "UCS2" else number
    if not number.removeprefix("+").isdigit():
        raise ValueError("not a number")
    return Submit(number, 0, modem_text.decode(text.decode("latin-1"), charset))


def _index(m: Modem, c: Command) -> int:
    index = c.number(0, 0)
    if index not in m.messages.stored:
        raise RefusalError(cms=321)
    return index


def cmgr(m: Modem, c: Command) -> Answer:
    """+CMGR: one text."""
    return [m.messages.shown("+CMGR", _index(m, c), with_index=False)]


def cmgd(m: Modem, c: Command) -> Answer:
    """+CMGD: away with one, or with many by their state."""
    if c.kind is Kind.TEST:
        return ["+CMGD: (1-50),(0-4)"]
    which = c.number(1, 0)
    if which == 0:
        m.messages.stored.pop(c.number(0, 0), None)
    for index, stored in list(m.messages.stored.items()):
        if which == 4 or (which and stored.state in {1: (1,), 2: (1, 3), 3: (1, 2, 3)}[which]):
            del m.messages.stored[index]
    m.later(0.02, m.messages.arrive)
    return []


def cmgl(m: Modem, c: Command) -> Answer:
    """+CMGL: the texts of a state."""
    if c.kind is Kind.TEST:
        names = ",".join(f'"{state}"' for state in (*STATES, "ALL"))
        return [f"+CMGL: ({names})" if m.set["CMGF"] else "+CMGL: (0-4)"]
    wanted = c.values[0] if c.values else ("REC UNREAD" if m.set["CMGF"] else "0")
    known = (*STATES, "ALL")
    which = known.index(wanted) if wanted in known else int(wanted)
    return [
        m.messages.shown("+CMGL", index, with_index=True)
        for index, stored in sorted(m.messages.stored.items())
        if which in (4, stored.state)
    ]


def cpms(m: Modem, c: Command) -> Answer:
    """+CPMS: where texts are kept; there is one place by either name."""
    used = f"{len(m.messages.stored)},{limits.MODEM_TEXTS_MAX}"
    if c.kind is Kind.TEST:
        return ['+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")']
    if c.kind is Kind.READ:
        place = f'"{m.set["CPMS"]}",{used}'
        return [f"+CPMS: {place},{place},{place}"]
    if not c.values or c.values[0] not in ("SM", "ME", "MT"):
        raise RefusalError(cms=500)
    m.set["CPMS"] = c.values[0]
    return [f"+CPMS: {used},{used},{used}"]


def cnmi(m: Modem, c: Command) -> Answer:
    """+CNMI: how a new text is told."""
    if c.kind is Kind.TEST:
        return ["+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)"]
    mode, mt = m.set["CNMI"]
    if c.kind is Kind.READ:
        return [f"+CNMI: {mode},{mt},0,0,0"]
    m.set["CNMI"] = (c.number(0, mode), c.number(1, mt))
    return []


MESSAGES: dict[str, Handler] = {
    "+CUSD": cusd, "+CMGS": cmgs, "+CMGR": cmgr, "+CMGD": cmgd, "+CMGL": cmgl, "+CPMS": cpms,
    "+CNMI": cnmi,
}  # fmt: skip
