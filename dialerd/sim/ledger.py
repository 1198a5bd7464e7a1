"""What a carrier saw, written by the carrier itself: the dialer has no hand in it.

One line of JSON for each new call and one for its end, appended with a single write, so that
whatever a carrier saw is in the file when the carrier or the dialer is killed. A line cut short by
a kill is counted, never guessed at.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from dialerd.sim import limits


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """An INVITE with a Call-ID this carrier had not seen (a retransmission writes nothing)."""

    at_ms: int
    carrier: str
    call_id: str
    user: str
    source: str = ""  # host:port the INVITE came from; the slot of a modem bank, or who called it
    rings: str = ""  # the slot of a modem bank that was called from outside; "": it dialed


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The end of a call seen before. Exactly one for each `Seen`, unless the call is still up."""

    at_ms: int
    carrier: str
    call_id: str
    user: str
    what: Literal["answered", "cancelled", "rejected"]
    by: Literal["caller", "called", "timeout", "shutdown"]
    code: int = 0  # the final answer this carrier gave
    q850: int = 0
    rang_ms: int = 0  # from INVITE to alerting; 0 when nobody was alerted
    answered_ms: int = 0  # wall clock of the answer; 0 without one
    digits: str = ""  # keys that were sent to the dialer
    rtp_received: int = 0  # packets from the dialer; of a modem: frames of samples
    rtp_sent: int = 0
    keys: str = ""  # keys that the dialer's modem was told to send
    tones: str = ""  # and those that were heard in its samples


Entry = Seen | Ended

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


class Ledger:
    """The file of one carrier, open for appending."""

    def __init__(self, path: Path) -> None:
        """OSError when the file cannot be opened."""
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def append(self, entry: Entry) -> None:
        """Write one line; OSError when the disk refuses it (no ledger, no proof)."""
        line = memoryview(_encoder.encode(entry) + b"\n")
        while line:
            line = line[os.write(self._fd, line) :]

    def close(self) -> None:
        """Let go of the file; idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()


class Call(msgspec.Struct):
    """One call at one carrier, joined from its two lines."""

    seen: Seen
    ended: Ended | None = None
    copies: int = 1  # `Seen` lines of this Call-ID at this carrier

    @property
    def up(self) -> bool:
        """Whether the carrier has not seen it end."""
        return self.ended is None

    @property
    def alerted(self) -> bool:
        """Whether a telephone rang or was answered, as far as is known."""
        return self.ended is None or self.ended.rang_ms > 0 or self.ended.answered_ms > 0


def renamed(call: Call, call_id: str) -> Call:
    """The same call under another Call-ID."""
    seen = msgspec.structs.replace(call.seen, call_id=call_id)
    ended = call.ended and msgspec.structs.replace(call.ended, call_id=call_id)
    return Call(seen, ended, call.copies)


class Books(msgspec.Struct):
    """The ledgers of all carriers, joined."""

    calls: list[Call] = []
    damaged: int = 0  # lines that could not be read
    orphans: int = 0  # ends without a beginning


def read_lines(lines: Iterable[bytes]) -> Iterator[Entry | None]:
    """Each line as an entry; None for a damaged one."""
    for line in lines:
        if not line.strip():
            continue
        if len(line) > limits.LINE_BYTES_MAX:
            yield None
            continue
        try:
            yield _decoder.decode(line)
        except msgspec.DecodeError:
            yield None


def join(entries: Iterable[Entry | None]) -> Books:
    """Calls in the order they were seen; ValueError when there are too many to join."""
    books = Books()
    found: dict[tuple[str, str], Call] = {}
    for entry in entries:
        if entry is None:
            books.damaged += 1
            continue
        key = (entry.carrier, entry.call_id)
        call = found.get(key)
        if isinstance(entry, Seen):
            if call is not None:
                call.copies += 1
                continue
            if len(found) >= limits.CALL_IDS_KEPT:
                raise ValueError(f"more than {limits.CALL_IDS_KEPT} calls in the ledgers")
            found[key] = call = Call(entry)
            books.calls.append(call)
        elif call is None:
            books.orphans += 1
        elif call.ended is None:
            call.ended = entry
    return books


def read_ledgers(paths: Iterable[Path]) -> Books:
    """Every carrier's file, joined and sorted by time; a missing file is an empty one."""
    entries: list[Entry | None] = []
    for path in paths:
        if path.exists():
            with path.open("rb") as file:
                entries.extend(read_lines(file))
    books = join(entries)
    books.calls.sort(key=lambda call: call.seen.at_ms)
    return books


def merged(one: Books, other: Books) -> Books:
    """Both, sorted by time."""
    calls = sorted(one.calls + other.calls, key=lambda call: call.seen.at_ms)
    return Books(calls, one.damaged + other.damaged, one.orphans + other.orphans)


def is_of_bank(books: Books) -> bool:
    """Whether a bank of modems wrote them: its calls come from slots, not from addresses."""
    return any(call.seen.source and ":" not in call.seen.source for call in books.calls)


def phone_of(user: str) -> int | None:
    """The E.164 number in a dialed user, read without the dialer's own normaliser.

    Carriers are handed `+84…`, `84…`, `0084…` or the national `0…`; None for anything else.
    """
    digits = user.partition(";")[0].removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return None
    if digits.startswith("00"):
        digits = digits[2:]
    elif digits.startswith("0"):
        digits = "84" + digits[1:]
    return int(digits) if 8 <= len(digits) <= 15 else None
