"""What a simulated network answers to codes, and the texts that it carries."""

from __future__ import annotations

from collections import deque

import msgspec

from dialerd.sim import limits
from dialerd.sim.ledger import phone_of
from dialerd.sim.modem_card import Card
from dialerd.sim.modem_pdu import GSM7, UCS2, Deliver, Submit, parts
from dialerd.sim.modem_text import to_septets

MENU = "*098#"
MENU_TEXT = "Moi ban chon:\n1. Tra cuu goi cuoc\n2. Ung tien\n0. Thoat"
PACKAGE_TEXT = "Goi cuoc cua ban: mien phi goi duoi 10 phut. Han su dung: {until}."
INVALID_TEXT = "Yeu cau cua quy khach khong hop le."


class Codes:
    """USSD: balances, a menu, and refusals."""

    def __init__(self) -> None:
        """No menu is open."""
        self._open: set[str] = set()  # cards (IMSI) with an open menu

    def reply(self, card: Card, code: str) -> tuple[int, str]:
        """Kind and text of +CUSD: 0 all said, 1 an answer is awaited, 2 ended by the network."""
        if card.imsi in self._open:
            self._open.discard(card.imsi)
            if code.strip() == "1":
                return 0, PACKAGE_TEXT.format(until=card.until)
            return 2, ""
        if code == card.carrier.balance_code:
            balance = f"{card.balance_d}"
            text = card.carrier.balance_text
            return 0, text.format(number="+" + card.number, balance=balance, until=card.until)
        if code == MENU:
            self._open.add(card.imsi)
            return 1, MENU_TEXT
        if code == "*#06#" or not code.endswith("#"):
            return 4, ""
        return 0, INVALID_TEXT

    def forget(self, card: Card) -> None:
        """The program ends the menu."""
        self._open.discard(card.imsi)


class Sent(msgspec.Struct, frozen=True):
    """A text that somebody in the bank sent."""

    at_ms: int
    sender: str
    number: str
    text: str
    part: tuple[int, int, int]


class Texts:
    """Texts between the cards of a bank, and from and to outside."""

    def __init__(self) -> None:
        """None is under way."""
        self._waiting: dict[str, deque[Deliver]] = {}  # of the bank's cards only
        self.log: deque[Sent] = deque(maxlen=limits.MODEM_TEXTS_MAX * limits.MODEMS_MAX)
        self._reference = 0

    def waiting(self, number: str) -> deque[Deliver]:
        """What is to be delivered to a number; taken from the left."""
        return self._waiting.setdefault(number, deque(maxlen=limits.MODEM_WAITING_MAX))

    def send(self, number: str, sender: str, text: str, at_ms: int) -> None:
        """A text from anybody to a card of the bank."""
        self._reference += 1
        self.waiting(number).extend(parts(sender, text, at_ms, self._reference))

    def sent(self, card: Card, message: Submit, at_ms: int) -> str:
        """A card of the bank sends, to another of them it is delivered; the number in E.164."""
        self.log.append(Sent(at_ms, card.number, message.number, message.text, message.part))
        number = str(phone_of(message.number))
        if number in self._waiting:
            coding = GSM7 if to_septets(message.text) is not None else UCS2
            self.waiting(number).append(
                Deliver("+" + card.number, coding, message.text, at_ms, message.part)
            )
        return number
