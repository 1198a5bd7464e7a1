"""The timing wheel's slow twin: a dictionary that is searched."""

from __future__ import annotations

SLOT_NS = 1_000_000
NEVER = (1 << 63) - 1


class SlowWheel:
    """Owners are names; `tick` tells who is woken and when a period arms an owner again."""

    def __init__(self, periods_ns: dict[int, int]) -> None:
        self.periods_ns = periods_ns
        self.slots: dict[int, int] = {}
        self.present = 0

    def arm(self, name: int, due_ns: int) -> None:
        self.slots.pop(name, None)
        if due_ns != NEVER:
            self.slots[name] = max(-(-due_ns // SLOT_NS), self.present + 1)

    def tick(self, now_ns: int) -> list[tuple[int, int]]:
        """(slot, name) of each one woken, sorted."""
        woken = []
        until = now_ns // SLOT_NS
        while self.slots and (slot := min(self.slots.values())) <= until:
            self.present = slot
            for name in [n for n, s in self.slots.items() if s == slot]:
                del self.slots[name]
                woken.append((slot, name))
                if self.periods_ns.get(name) is not None:
                    self.arm(name, now_ns + self.periods_ns[name])
        self.present = max(self.present, until)
        return sorted(woken)

    def deadline_ns(self) -> int | None:
        return min(self.slots.values()) * SLOT_NS if self.slots else None
