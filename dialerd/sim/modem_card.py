"""SIM cards and modules of a simulated bank, made from a seed: numbers, identities, balances.

Networks are those of Vietnam; ICCID and IMEI end with their check digit (ISO/IEC 7812-1,
TS 23.003).
"""

from __future__ import annotations

import random

import msgspec


class Carrier(msgspec.Struct, frozen=True):
    """A network as its SIM cards and its texts show it."""

    name: str
    mccmnc: str
    operator: str  # long name of +COPS
    prefixes: tuple[str, ...]  # of its mobile numbers, without the 0
    smsc: str
    balance_code: str  # asks for the balance
    balance_text: str  # with {number}, {balance}, {until}
    accents: bool  # whether texts come in UCS2


CARRIERS = (
    Carrier(
        "viettel", "45204", "Viettel", ("96", "97", "98", "86", "32", "33", "34", "35"),
        "+84980200030", "*101#",
        "{number}. TKG: {balance}d, dung den 0h ngay {until}. Bam chon dang ky:"
        "\n1. 15K=3GB/3ngay\n2. 30K=7GB/7ngay",
        accents=False,
    ),
    Carrier(
        "mobifone", "45201", "VN Mobifone", ("90", "93", "70", "76", "77", "78"), "+84900000023",
        "*101#", "TKC {balance} d, 31-10-2027. KM1: 0d. HSD: {until}. So TB: {number}",
        accents=False,
    ),
    Carrier(
        "vinaphone", "45202", "VN Vinaphone", ("91", "94", "81", "82", "83"), "+8491020005",
        "*101#",
        "{number}\nTài khoản chính: {balance} đ, hạn sử dụng đến {until}. "
        "Gói cước: miễn phí gọi nội mạng dưới 10 phút.",
        accents=True,
    ),
    Carrier(
        "vietnamobile", "45205", "Vietnamobile", ("92", "56", "58"), "+84920110125", "*102#",
        "So du TK chinh cua Quy khach la {balance} VND. HSD {until}. Thue bao {number}.",
        accents=False,
    ),
    Carrier(
        "gmobile", "45207", "Gmobile", ("99", "59"), "+84996000222", "*101#",
        "{number}. GTEL. TKC {balance} d, TK no 0VND, HSD: 00:00 {until}. TK KM: 0 VND",
        accents=False,
    ),
)  # fmt: skip


class Card(msgspec.Struct):
    """One SIM card: what it says, and the little that it remembers."""

    iccid: str
    imsi: str
    number: str  # E.164 digits
    carrier: Carrier
    pin: str = ""  # none is asked for
    puk: str = "12345678"
    pin_tries: int = 3
    puk_tries: int = 10
    unlocked: bool = False  # the PIN was given since power came on
    balance_d: int = 0
    until: str = "31-12-2027"

    def locked(self) -> str:
        """What +CPIN? says."""
        if not self.pin or self.unlocked:
            return "READY"
        return "SIM PIN" if self.pin_tries else "SIM PUK"

    def give_pin(self, pin: str) -> bool:
        """Whether it was the right one; the third wrong one locks the card."""
        if self.pin_tries <= 0:
            return False
        if pin == self.pin:
            self.pin_tries, self.unlocked = 3, True
            return True
        self.pin_tries -= 1
        return False

    def give_puk(self, puk: str, pin: str) -> bool:
        """Whether the PIN is the new one now; the tenth wrong PUK ends the card."""
        if self.puk_tries <= 0 or puk != self.puk:
            self.puk_tries = max(0, self.puk_tries - 1)
            return False
        self.pin, self.pin_tries, self.puk_tries, self.unlocked = pin, 3, 10, True
        return True


def check_digit(digits: str) -> str:
    """Luhn's digit for those before it."""
    doubled = sum(sum(divmod(2 * int(d), 10)) for d in digits[::-2])
    return str(-(doubled + sum(int(d) for d in digits[-2::-2])) % 10)


def card(seed: int, index: int, carrier: str = "") -> Card:
    """The card of number `index` in a bank; its carrier by turns when none is named. KeyError."""
    rng = random.Random(f"{seed}:card:{index}")  # noqa: S311  repeatable, nothing secret
    named = {one.name: one for one in CARRIERS}
    home = named[carrier] if carrier else CARRIERS[index % len(CARRIERS)]
    body = f"8984{home.mccmnc[3:]}{rng.randrange(10**10):010d}{index:03d}"
    serial = rng.randrange(10**6)
    return Card(
        iccid=body + check_digit(body),
        imsi=f"{home.mccmnc}{serial:06d}{index:04d}",
        number=f"84{rng.choice(home.prefixes)}{rng.randrange(10**4):04d}{index:03d}",
        carrier=home,
        balance_d=rng.randrange(1_000, 200_000),
    )


def imei(seed: int, index: int, tac: str) -> str:
    """A module's number: 8 digits of its type, 6 of its own, the check digit."""
    rng = random.Random(f"{seed}:imei:{index}")  # noqa: S311
    body = f"{tac}{rng.randrange(1000):03d}{index:03d}"
    return body + check_digit(body)
