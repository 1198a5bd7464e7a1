"""Short messages as the network's side reads and writes them: 3GPP TS 23.040, 9.2.

For the simulated modems alone: it reads what a program submits and makes what is delivered to it.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from dialerd.sim.modem_text import from_septets, pack, to_septets, unpack

GSM7, OCTETS, UCS2 = 0, 4, 8
TIMEZONE = dt.timezone(dt.timedelta(hours=7))  # Vietnam
DIGITS = "0123456789*#abc"


class Submit(msgspec.Struct, frozen=True):
    """A text that a program wants sent."""

    number: str
    coding: int
    text: str
    part: tuple[int, int, int] = (0, 1, 1)  # reference, how many, which


class Deliver(msgspec.Struct, frozen=True):
    """A text, or a part of one, as it is delivered."""

    sender: str  # as shown: with or without the `+`, or a name
    coding: int
    text: str
    at_ms: int  # wall clock of the network
    part: tuple[int, int, int] = (0, 1, 1)


def swapped(digits: str) -> bytes:
    """Semi-octets, filled with F."""
    codes = [DIGITS.index(d) for d in digits] + [15] * (len(digits) % 2)
    return bytes(low | high << 4 for low, high in zip(codes[::2], codes[1::2], strict=True))


def unswapped(octets: bytes) -> str:
    """Digits of semi-octets, up to the filling."""
    nibbles = [n for octet in octets for n in (octet & 15, octet >> 4)]
    return "".join(DIGITS[n] for n in nibbles if n != 15)


def address(number: str) -> bytes:
    """An address field, 9.1.2.5; a name is in the alphabet."""
    digits = number.removeprefix("+")
    if not digits.isdigit():
        packed = pack(to_septets(number[:11]) or b"")
        return bytes((len(packed) * 2, 0xD0)) + packed
    return bytes((len(digits), 0x91 if number.startswith("+") else 0x81)) + swapped(digits)


def service_centre(number: str) -> bytes:
    """Counted in octets, other than any other address."""
    digits = number.removeprefix("+")
    return bytes((1 + (len(digits) + 1) // 2, 0x91)) + swapped(digits)


def submit(octets: bytes) -> Submit:
    """Read a TPDU behind its service centre; ValueError when it is none."""
    try:
        return _submit(octets)
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"not a message to submit: {error}") from None


def _submit(octets: bytes) -> Submit:
    first, digits, kind = octets[0], octets[2], octets[3]
    if first & 3 != 1:
        raise ValueError("not a message to submit")
    at = 4 + (digits + 1) // 2
    number = unswapped(octets[4:at])
    if len(number) != digits or not digits:
        raise ValueError("an address of another length")
    dcs = octets[at + 1]
    at += 2 + {0: 0, 2: 1}.get(first >> 3 & 3, 7)  # validity: none, relative, absolute
    coding = dcs & 0x0C if dcs < 0x40 else (OCTETS if dcs & 0xF4 == 0xF4 else GSM7)
    length, data = octets[at], octets[at + 1 :]
    needed = (length * 7 + 7) // 8 if coding == GSM7 else length
    if len(data) != needed:
        raise ValueError("a text of another length")
    head = data[: data[0] + 1] if first & 0x40 else b""
    if coding == GSM7:
        skip = (len(head) * 8 + 6) // 7
        text = from_septets(unpack(data, length)[skip:])
    elif coding == UCS2:
        text = data[len(head) :].decode("utf-16-be")
    else:
        text = data[len(head) :].decode("latin-1")
    return Submit(("+" if kind & 0x70 == 0x10 else "") + number, coding, text, _part(head))


def _part(head: bytes) -> tuple[int, int, int]:
    """The concatenation in a header, 9.2.3.24.1 and 9.2.3.24.8."""
    at = 1
    while at + 1 < len(head):
        kind, size = head[at], head[at + 1]
        value = head[at + 2 : at + 2 + size]
        if kind == 0 and size == 3:
            return (value[0], value[1], value[2])
        if kind == 8 and size == 4:
            return (value[0] << 8 | value[1], value[2], value[3])
        at += 2 + size
    return (0, 1, 1)


def deliver(message: Deliver, centre: str) -> tuple[bytes, int]:
    """The octets of +CMGR in PDU mode, service centre first, and the length without that."""
    reference, parts, number = message.part
    head = bytes((5, 0, 3, reference & 0xFF, parts, number)) if parts > 1 else b""
    if message.coding == GSM7:
        septets = to_septets(message.text) or b""
        skip = (len(head) * 8 + 6) // 7
        packed = pack(septets, skip * 7)
        length, data = skip + len(septets), head + packed[len(head) :]
    else:
        data = head + message.text.encode("utf-16-be")
        length = len(data)
    tpdu = (
        bytes((0x04 | (0x40 if head else 0),))
        + address(message.sender)
        + bytes((0, message.coding))
        + stamp(message.at_ms)
        + bytes((length,))
        + data
    )
    return service_centre(centre) + tpdu, len(tpdu)


def moment(at_ms: int) -> dt.datetime:
    """Wall clock of Vietnam."""
    return dt.datetime.fromtimestamp(at_ms / 1000, TIMEZONE)


def stamp(at_ms: int) -> bytes:
    """A time, 9.2.3.11: quarters of an hour from Greenwich behind it."""
    return swapped(moment(at_ms).strftime("%y%m%d%H%M%S") + "28")


def text_stamp(at_ms: int) -> str:
    """A time in text mode."""
    return moment(at_ms).strftime("%y/%m/%d,%H:%M:%S+28")


def parts(sender: str, text: str, at_ms: int, reference: int) -> list[Deliver]:
    """A text of any length as what is delivered, one after another."""
    coding = GSM7 if to_septets(text) is not None else UCS2
    whole, each = (160, 153) if coding == GSM7 else (70, 67)

    def size(piece: str) -> int:
        return (
            len(to_septets(piece) or b"") if coding == GSM7 else len(piece.encode("utf-16-be")) // 2
        )

    if size(text) <= whole:
        return [Deliver(sender, coding, text, at_ms)]
    pieces, now = [], ""
    for letter in text:
        if size(now + letter) > each:
            pieces.append(now)
            now = ""
        now += letter
    pieces.append(now)
    return [
        Deliver(sender, coding, piece, at_ms, (reference & 0xFF, len(pieces), place))
        for place, piece in enumerate(pieces, 1)
    ]
