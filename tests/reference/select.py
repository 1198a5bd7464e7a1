"""The choice among lines as it is written, looking at every one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fastpath.select import NEVER

LONG_AGO = -(1 << 62)


class Seat(NamedTuple):
    ready_ns: int = NEVER
    sound_ns: int = LONG_AGO
    cost: int = 0
    load: int = 0
    used_ns: int = LONG_AGO


class Choice:
    """The slow twin of `fastpath.select.Choice`."""

    def __init__(self, seats: int) -> None:
        self.seats = [Seat() for _ in range(seats)]

    def set(self, at: int, *of_seat: int) -> None:
        self.seats[at] = Seat(*of_seat)

    def best(self, now_ns: int) -> int:
        return self.best_but(now_ns, ())

    def best_but(self, now_ns: int, left_out: Iterable[int]) -> int:
        out = set(left_out)
        open_ = [
            (seat.sound_ns > now_ns, seat.cost, seat.load, seat.used_ns, at)
            for at, seat in enumerate(self.seats)
            if seat.ready_ns <= now_ns and seat.ready_ns != NEVER and at not in out
        ]
        return min(open_)[-1] if open_ else -1

    def order(self, now_ns: int, most: int) -> list[int]:
        found: list[int] = []
        while len(found) < most and (at := self.best_but(now_ns, found)) >= 0:
            found.append(at)
        return found

    def ready_ns(self) -> int:
        return min((seat.ready_ns for seat in self.seats), default=NEVER)
