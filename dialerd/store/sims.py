"""SIMs of modem banks with their locks and counters, and the texts that reached them.

A text is kept once however often it is read out of its module: a process may end between the commit
and the module's forgetting. `texts_of` finds texts by their sender's number, and by what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

from dialerd.core.modem_records import SimCard, SimText
from dialerd.store.limits import CARDS_MAX, SIM_NAME_BYTES, STEP_ROWS, TEXTS_MAX
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    SIM_CARD,
    SIM_TEXT,
    number64,
    phone_key,
    read_u64,
)
from dialerd.store.unit import Unit

LAST_TEXT: Final = b"last_text"
_END: Final = b"\xff" * 32


def keep_cards(unit: Unit, cards: Iterable[SimCard]) -> None:
    """As they are now; of more than CARDS_MAX those seen longest ago are forgotten."""
    for card in cards:
        unit.t.sim_cards.put(_card_key(card.iccid), SIM_CARD.pack(card))
    over = unit.t.sim_cards.count() - CARDS_MAX
    if over > 0:
        for card in sorted(all_cards(unit), key=lambda one: one.seen_ms)[:over]:
            unit.t.sim_cards.delete(_card_key(card.iccid))


def _card_key(iccid: str) -> bytes:
    return iccid.encode("utf-8", "replace")[:SIM_NAME_BYTES]


def all_cards(unit: Unit) -> list[SimCard]:
    """All that are known."""
    return [SIM_CARD.unpack(raw) for _, raw in scan_all(unit.t.sim_cards, b"", _END * 16)]


def keep_text(unit: Unit, text: SimText) -> bool:
    """Whether it was new; of more than TEXTS_MAX the oldest goes."""
    index = _index(text)
    if unit.t.texts_of.get(index) is not None:
        return False
    key = number64(unit.next_number(LAST_TEXT))
    unit.t.texts.put(key, SIM_TEXT.pack(text))
    unit.t.texts_of.put(index, key)
    if unit.t.texts.count() > TEXTS_MAX:
        _drop(unit, unit.t.texts.seek(b"\0"))
    return True


def _index(text: SimText) -> bytes:
    """The number, and what tells one text from another: the centre's time, or ours without one."""
    what = (text.iccid, text.sender, text.at or str(text.arrived_ms), text.text)
    digest = blake2b("\0".join(what).encode("utf-8", "replace"), digest_size=16).digest()
    return phone_key(text.phone) + digest


def _drop(unit: Unit, key: bytes) -> None:
    raw = unit.t.texts.get(key)
    if raw is not None:
        unit.t.texts_of.delete(_index(SIM_TEXT.unpack(raw)))
        unit.t.texts.delete(key)


def texts(unit: Unit, after: int, limit: int) -> list[tuple[int, SimText]]:
    """Texts with their numbers, oldest first, those behind number `after`."""
    found = unit.t.texts.scan(number64(after + 1), _END, limit)
    return [(read_u64(key), SIM_TEXT.unpack(raw)) for key, raw in found]


def texts_from(unit: Unit, phone: int) -> list[SimText]:
    """Those from a number, oldest first."""
    keys = sorted(key for _, key in _of(unit, phone))
    return [SIM_TEXT.unpack(unit.t.texts.get(key) or b"") for key in keys]


def drop_texts_from(unit: Unit, phone: int) -> int:
    """Forget what a number wrote; how many texts."""
    found = _of(unit, phone)
    for _, key in found:
        _drop(unit, key)
    return len(found)


def _of(unit: Unit, phone: int) -> list[tuple[bytes, bytes]]:
    if not phone:
        return []
    return list(scan_all(unit.t.texts_of, phone_key(phone), phone_key(phone + 1)))


def drop_texts_until(unit: Unit, until_ms: int) -> int:
    """Forget the oldest that arrived before a moment; how many, STEP_ROWS at most."""
    old = taken_until(unit, until_ms, 0)
    for number, _ in old:
        _drop(unit, number64(number))
    return len(old)


def taken_until(unit: Unit, until_ms: int, after: int) -> list[tuple[int, SimText]]:
    """The oldest behind number `after`, as far as they arrived before a moment."""
    found = texts(unit, after, STEP_ROWS)
    late = next((n for n, (_, one) in enumerate(found) if one.arrived_ms >= until_ms), len(found))
    return found[:late]


def problems(unit: Unit) -> Iterator[str]:
    """Each text is found by its sender, and each card under its number."""
    for key, raw in scan_all(unit.t.texts, b"", _END):
        if unit.t.texts_of.get(_index(SIM_TEXT.unpack(raw))) != key:
            yield f"text {read_u64(key)} of a SIM is not found by its sender"
    if unit.t.texts.count() != unit.t.texts_of.count():
        yield f"{unit.t.texts_of.count()} texts of SIMs are indexed, {unit.t.texts.count()} kept"
    for key, raw in scan_all(unit.t.sim_cards, b"", _END * 16):
        if key != _card_key(SIM_CARD.unpack(raw).iccid):
            yield "a SIM lies under the number of another"
