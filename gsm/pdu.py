"""Texts as PDUs (3GPP TS 23.040): SMS-SUBMIT out, SMS-DELIVER in, in several parts where needed.

Own code because no library is kept that does both ways: those that encode lost parts of long UCS2
texts and are no longer maintained, the maintained one decodes only.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gsm.charset import (
    alphabet,
    from_septets,
    from_ucs2,
    pack,
    septets,
    to_ucs2,
    unpack,
)
from gsm.limits import SMS_PARTS_MAX, TEXT_MAX
from gsm.number import DialString, RefusedError

_UD_OCTETS: Final = 140  # 23.040 9.2.3.24
_HEAD_OCTETS: Final = 6  # length, element 00, its length, reference, parts, this one
_PART_SEPTETS: Final = 153  # what is left of 160 beside a header of 7 septets
_NIBBLES: Final = "0123456789*#abc"  # 23.040 9.1.2.3; f is filler


class Submit(NamedTuple):
    """One PDU to be sent. `length` is what AT+CMGS wants: octets without the centre's address."""

    length: int
    hex: str


class Deliver(NamedTuple):
    """One PDU that arrived. `reference` is 0 for a text of one part."""

    sender: str
    text: str
    at: str
    reference: int = 0
    parts: int = 1
    part: int = 1


class Report(NamedTuple):
    """An SMS-STATUS-REPORT: what became of a text of ours."""

    number: str
    reference: int
    status: int  # below 32: delivered (23.040 9.2.3.15)


def submits(number: DialString, text: str, reference: int) -> list[Submit]:
    """The PDUs of a text. `reference` tells long texts to the same number apart.

    Raises:
        RefusedError: it is empty or too long.
    """
    if not text:
        raise RefusedError("an empty text")
    codes = septets(text)
    if codes is not None:
        parts = [codes] if len(codes) <= 160 else _split_septets(codes)
    else:
        parts = [to_ucs2(text)]
        if len(parts[0]) > _UD_OCTETS:
            parts = _split_ucs2(parts[0])
    if len(parts) > SMS_PARTS_MAX:
        raise RefusedError(f"a text of {len(parts)} parts, at most {SMS_PARTS_MAX}")
    ucs2 = codes is None
    out = []
    for index, part in enumerate(parts, 1):
        head = b""
        if len(parts) > 1:
            head = bytes((5, 0, 3, reference & 0xFF, len(parts), index))
        out.append(_submit(number.text, part, head, ucs2=ucs2))
    return out


def _split_septets(codes: bytes) -> list[bytes]:
    """Parts of 153; a character of the extension table is not cut in two."""
    parts = []
    while codes:
        size = _PART_SEPTETS
        if len(codes) > size and codes[size - 1] == 0x1B:
            size -= 1
        parts.append(codes[:size])
        codes = codes[size:]
    return parts


def _split_ucs2(data: bytes) -> list[bytes]:
    """Parts of 67 units; a surrogate pair is not cut in two."""
    parts = []
    while data:
        size = _UD_OCTETS - _HEAD_OCTETS
        if len(data) > size and data[size - 2] & 0xFC == 0xD8:
            size -= 2
        parts.append(data[:size])
        data = data[size:]
    return parts


def _submit(number: str, part: bytes, head: bytes, *, ucs2: bool) -> Submit:
    if ucs2:
        body, count = head + part, len(head) + len(part)
    else:
        fill = -len(head) * 8 % 7
        body = head + pack(part, fill)
        count = (len(head) * 8 + fill) // 7 + len(part)
    first = 0x01 | (0x40 if head else 0)  # SUBMIT, no validity period, header indicator
    tpdu = bytes((first, 0)) + _address(number) + bytes((0, 8 if ucs2 else 0, count)) + body
    return Submit(len(tpdu), "00" + tpdu.hex().upper())  # 00: the card's own centre


def _address(number: str) -> bytes:
    digits = number.lstrip("+")
    kind = 0x91 if number.startswith("+") else 0x81
    padded = digits + "f" * (len(digits) % 2)
    codes = [_NIBBLES.find(c) if c != "f" else 15 for c in padded]
    swapped = bytes(codes[i] | codes[i + 1] << 4 for i in range(0, len(codes), 2))
    return bytes((len(digits), kind)) + swapped


class _Reader:
    """Octets in order; past the end is an error of its own."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) < count:
            raise ValueError("the PDU ends too early")
        self.at += count
        return taken

    def octet(self) -> int:
        return self.take(1)[0]

    def address(self) -> str:
        """23.040 9.1.2.5."""
        count, kind = self.octet(), self.octet()
        data = self.take((count + 1) // 2)
        if kind >> 4 & 7 == 5:  # alphanumeric: septets, `count` in half octets
            return from_septets(unpack(data, count * 4 // 7)).rstrip("\0")
        digits = "".join(_digit(b & 15) + _digit(b >> 4) for b in data)[:count]
        return ("+" if kind >> 4 & 7 == 1 else "") + digits.replace("f", "")

    def stamp(self) -> str:
        """23.040 9.2.3.11, as ISO 8601; empty when it is none."""
        year, month, day, hour, minute, second, zone = (
            (b & 15) * 10 + (b >> 4) for b in self.take(7)
        )
        raw = self.data[self.at - 1]
        quarters = (raw & 7) * 10 + (raw >> 4)
        sign = "-" if raw & 8 else "+"
        if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
            return ""
        del zone
        offset = f"{sign}{quarters // 4:02d}:{quarters % 4 * 15:02d}"
        return f"20{year:02d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}{offset}"


def _digit(nibble: int) -> str:
    return _NIBBLES[nibble] if nibble < len(_NIBBLES) else "f"


def deliver(text: str) -> Deliver | Report:
    """What a PDU of the module's memory says.

    Raises:
        ValueError: it is none that can be read.
    """
    reader = _Reader(bytes.fromhex(text))
    reader.take(reader.octet())  # the centre's address
    first = reader.octet()
    if first & 3 == 2:
        reference, number = reader.octet(), reader.address()
        reader.take(14)
        return Report(number, reference, reader.octet())
    if first & 3:
        raise ValueError("not a text that arrived")
    sender = reader.address()
    reader.octet()
    coding = reader.octet()
    stamp = reader.stamp()
    count = reader.octet()
    body = reader.data[reader.at :]
    reference, parts, part, size = _header(body) if first & 0x40 else (0, 1, 1, 0)
    said = _user_data(body, count, size, coding)[:TEXT_MAX]
    return Deliver(sender, said, stamp, reference, parts, part)


def _user_data(body: bytes, count: int, head: int, coding: int) -> str:
    kind = alphabet(coding)
    if kind == "gsm7":
        skip = (head * 8 + 6) // 7
        fill = skip * 7 - head * 8
        return from_septets(unpack(body[head:], max(0, count - skip), fill))
    data = body[head:count]
    return from_ucs2(data) if kind == "ucs2" else data.decode("latin-1")


def _header(body: bytes) -> tuple[int, int, int, int]:
    """Reference, parts, part and size of a user data header (23.040 9.2.3.24)."""
    size = body[0] + 1 if body else 0
    found = (0, 1, 1)
    at = 1
    while at + 1 < min(size, len(body)):
        kind, length = body[at], body[at + 1]
        value = body[at + 2 : at + 2 + length]
        if kind == 0 and len(value) == 3:
            found = (value[0] | 0x10000, value[1], value[2])
        elif kind == 8 and len(value) == 4:  # a reference of 16 bits
            found = (value[0] << 8 | value[1] | 0x20000, value[2], value[3])
        at += 2 + length
    reference, parts, part = found
    if not 1 <= part <= parts:
        return (0, 1, 1, size)
    return (reference, parts, part, size)


class Joiner:
    """Parts of long texts until all are there."""

    def __init__(self, pending_max: int) -> None:
        """At most `pending_max` texts wait; the oldest is given out as it is."""
        self._max = pending_max
        self._waiting: dict[tuple[str, int, int], tuple[int, dict[int, tuple[Deliver, int]]]] = {}

    def add(
        self, part: Deliver, place: int, now_ns: int
    ) -> list[tuple[Deliver, tuple[int, ...], bool]]:
        """A part from a slot. Returns (text, slots, whether whole) of what can be told now."""
        if part.parts <= 1:
            return [(part, (place,) if place >= 0 else (), True)]
        key = part.sender, part.reference, part.parts
        first, held = self._waiting.setdefault(key, (now_ns, {}))
        del first
        held[part.part] = (part, place)
        if len(held) == part.parts:
            del self._waiting[key]
            return [_joined(held, whole=True)]
        if len(self._waiting) > self._max:
            oldest = next(iter(self._waiting))
            return [_joined(self._waiting.pop(oldest)[1], whole=False)]
        return []

    def overdue(self, before_ns: int) -> list[tuple[Deliver, tuple[int, ...], bool]]:
        """Texts whose first part came before that time: they are given out as they are."""
        old = [key for key, (since, _) in self._waiting.items() if since <= before_ns]
        return [_joined(self._waiting.pop(key)[1], whole=False) for key in old]


def _joined(
    held: dict[int, tuple[Deliver, int]], *, whole: bool
) -> tuple[Deliver, tuple[int, ...], bool]:
    parts = [held[index] for index in sorted(held)]
    first = parts[0][0]
    text = "".join(part.text for part, _ in parts)
    places = tuple(place for _, place in parts if place >= 0)
    return first._replace(text=text), places, whole
