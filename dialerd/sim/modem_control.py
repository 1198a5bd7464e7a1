"""What a simulated bank can be told while it runs: one line, one answer.

status                               every slot with its card and state
call slot03 84912345678 20 1         somebody calls, stays 20 s, presses 1 after the answer
text slot03 +84980001 xin chao       a text arrives
texts                                what the bank's cards have sent
signal slot03 5                      how well it hears the network (0 to 31, 99: not at all)
fault slot07 unplug                  see modem_faults.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from dialerd.sim.modem_bank import Bank, Slot

Reply = dict[str, Any]


def control(bank: Bank, line: str) -> Reply:
    """Carry out one line; {"error": ...} says what is wrong with it."""
    words = line.split()
    try:
        if not words:
            raise ValueError("no command")
        deed = DEEDS.get(words[0])
        if deed is None:
            raise ValueError(f"commands are {', '.join(DEEDS)}")
        return deed(bank, words[1:])
    except (ValueError, IndexError) as error:
        return {"error": str(error)}


def slot_of(bank: Bank, name: str) -> Slot:
    """The slot of a name; ValueError."""
    for slot in bank.slots:
        if slot.name == name:
            return slot
    raise ValueError(f"slots are {bank.slots[0].name} to {bank.slots[-1].name}")


def _status(bank: Bank, _words: list[str]) -> Reply:
    return {
        "calls": len(bank.network.connections),
        "slots": [
            {
                "name": slot.name,
                "dialect": slot.modem.habits.name,
                "power": str(slot.modem.power),
                "registration": slot.modem.registration,
                "imei": slot.modem.imei,
                "number": slot.modem.card.number if slot.modem.card else "",
                "iccid": slot.modem.card.iccid if slot.modem.card else "",
                "imsi": slot.modem.card.imsi if slot.modem.card else "",
                "carrier": slot.modem.card.carrier.name if slot.modem.card else "",
                "legs": len(slot.modem.calls.live()),
                "lines": slot.modem.lines,
                "dialed_ns": slot.dialed_ns,
                "faults": sorted(slot.faults.kinds),
                "keys": "".join(
                    leg.connection.heard for leg in slot.modem.calls.live() if leg.connection
                ),
            }
            for slot in bank.slots
        ],
    }


def _call(bank: Bank, words: list[str]) -> Reply:
    modem = slot_of(bank, words[0]).modem
    stays_s = float(words[2]) if len(words) > 2 else 30.0
    keys = words[3] if len(words) > 3 else ""
    connection = bank.network.call(modem, words[1] if words[1] != "-" else "", stays_s, keys)
    return {"call": connection.seen.call_id if connection else None}


def _text(bank: Bank, words: list[str]) -> Reply:
    card = slot_of(bank, words[0]).modem.card
    if card is None:
        raise ValueError("no card in that slot")
    bank.network.text(card.number, words[1], " ".join(words[2:]))
    return {"ok": True}


def _texts(bank: Bank, _words: list[str]) -> Reply:
    return {"texts": [msgspec.to_builtins(sent) for sent in bank.network.texts.log]}


def _signal(bank: Bank, words: list[str]) -> Reply:
    modem = slot_of(bank, words[0]).modem
    value = int(words[1])
    if value != 99 and not 0 <= value <= 31:
        raise ValueError("a signal is from 0 to 31, or 99")
    modem.coverage = value != 99
    modem.rssi = value if value != 99 else modem.rssi
    modem.radio()
    return {"ok": True}


def _fault(bank: Bank, words: list[str]) -> Reply:
    slot = slot_of(bank, words[0])
    slot.faults.begin(words[1], float(words[2]) if len(words) > 2 else 0.0)
    return {"faults": sorted(slot.faults.kinds)}


def _plug(bank: Bank, words: list[str]) -> Reply:
    slot = slot_of(bank, words[0])
    slot.faults.end("unplug")
    slot.plug()
    return {"ok": True}


def _swap(bank: Bank, words: list[str]) -> Reply:
    """Two modems' cards change places; both start again, as they do when a card is moved."""
    one, other = slot_of(bank, words[0]).modem, slot_of(bank, words[1]).modem
    for modem in (one, other):
        modem.stop()
    one.card, other.card = other.card, one.card
    for modem in (one, other):
        modem.reset()
    return {"ok": True}


DEEDS = {
    "status": _status,
    "call": _call,
    "text": _text,
    "texts": _texts,
    "signal": _signal,
    "fault": _fault,
    "plug": _plug,
    "swap": _swap,
}
