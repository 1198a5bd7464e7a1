"""Calls to us: whoever was called by a campaign and calls back is its customer again.

| a call          | what it waits for                              | and then                     |
|-----------------|------------------------------------------------|------------------------------|
| comes           | its place among calls to us                    | looked up, held, or refused  |
| held            | the end of our own ringing call to this number | looked up                    |
| looked up       | the store: whose customer that is              | taken, or refused            |
| taken           | its attempt is durable: answered; `Call` has it|                              |

Who is nobody's customer, or shows no number, is refused with the configured status: 480 tells the
caller's network that nobody is there just now, which is neither an error of ours nor a number that
does not exist. While we ring a number that calls us, our own call gives way, and both meet in the
one that came; while we talk with it, it is busy.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from dialerd.core.call import ADVANCING, DIALING, RELEASING, RINGING, Call
from dialerd.core.clock import NEVER
from dialerd.core.effects import Notify, Refuse, WantReturn, Write
from dialerd.core.events import Incoming, LegEvent, LimitsChanged, Released, ReturnFound
from dialerd.core.floor import Floor
from dialerd.core.limits import INBOUND_ASKED_MAX, RETURN_HELD_S
from dialerd.core.ops import Finish, ReturnCall
from dialerd.core.pacing import NS, RateLimit
from dialerd.core.records import LeadState, Outcome

if TYPE_CHECKING:
    from dialerd.core.leads import Leads
    from dialerd.core.placing import Placing

REFUSAL: Final = 480
BUSY: Final = 486
FULL: Final = 503  # as many calls as we can carry (RFC 3261 section 21.5.4)
_OURS: Final = (DIALING, RINGING, ADVANCING, RELEASING)  # nobody has answered it


class _Asked:
    """A call to us that is not taken yet."""

    __slots__ = ("call", "gone", "until_ns")

    def __init__(self, call: ReturnCall, until_ns: int) -> None:
        self.call = call
        self.until_ns = until_ns  # held until then; NEVER: the store is asked
        self.gone: Released | None = None  # the caller did not wait


class Inbound:
    """What becomes of calls to us."""

    __slots__ = (
        "_asked", "_floor", "_leads", "_placing", "calls_max", "full", "limit", "live", "phones",
        "status", "strays", "taken",
    )  # fmt: skip

    def __init__(self, floor: Floor, leads: Leads, placing: Placing, status: int = REFUSAL) -> None:
        """`status` is the SIP status for who is nobody's customer."""
        self._floor = floor
        self._leads = leads
        self._placing = placing
        self._asked: dict[int, _Asked] = {}  # by leg
        self.status = status
        self.calls_max = 0  # at once; 0 binds nothing
        self.limit = RateLimit(0.0)  # taken in a second
        self.live = 0
        self.full = 0  # refused because we carry all that we can
        self.phones = 0  # calls of telephones
        self.strays = 0  # of trunks that are not configured any more
        self.taken = 0  # answered

    def configure(self, event: LimitsChanged) -> None:
        """Other limits, from now on."""
        self.status, self.calls_max = event.inbound_status, event.inbound_calls_max
        self.limit = self.limit.resized(event.inbound_per_s_max)

    def on_incoming(self, event: Incoming, now_ns: int) -> None:
        """One call."""
        trunk = self._floor.trunks.by_name.get(event.trunk)
        if event.phone:
            self.phones += 1
        elif trunk is None:
            self.strays += 1
        else:
            trunk.incoming += 1
        phone = 0 if event.phone or trunk is None or event.withheld else self._phone(event.caller)
        if self._crowded(now_ns):
            self.full += 1
            self._refuse(event, FULL)
        elif not phone or not event.call_id or event.replaces:
            self._refuse(event, self.status)
        else:
            self._meet(event, phone, now_ns)

    def _crowded(self, now_ns: int) -> bool:
        """Whether one more cannot be looked up, or not answered in time."""
        floor = self._floor
        return (
            floor.full
            or floor.draining
            or not floor.store_ok
            or not floor.clock.known
            or 0 < self.calls_max <= self.live + len(self._asked)
            or len(self._asked) >= INBOUND_ASKED_MAX
            or self.limit.ready_ns > now_ns
        )

    def _phone(self, caller: str) -> int:
        """A caller's number as the store knows numbers; 0: it is none."""
        digits = caller.removeprefix("+")
        if digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) <= 15:
            return int(digits)
        found = self._leads.numbering.analyse(caller).e164
        return 0 if found is None else int(found.removeprefix("+"))

    def _meet(self, event: Incoming, phone: int, now_ns: int) -> None:
        """Our own calls to this number: one that nobody has answered gives way."""
        at_ms = self._floor.clock.ms(now_ns)
        asked = ReturnCall(phone, event.trunk, event.called, event.call_id, at_ms, port=event.port)
        ours = [c for c in self._floor.calls.values() if c.claim.phone == phone]
        if any(call.state not in _OURS or call.answered_ms for call in ours):
            self._refuse(event, BUSY)
            return
        self.limit.take(now_ns)
        self._tell(event, "")
        if not ours:
            self._asked[event.leg] = _Asked(asked, NEVER)
            self._floor.out.append(WantReturn(event.leg, asked))
            return
        self._asked[event.leg] = _Asked(asked, now_ns + RETURN_HELD_S * NS)
        for call in ours:
            call.hang_up(now_ns)
            self._placing.after(call, now_ns)

    def freed(self, phone: int) -> None:
        """A call with this number has ended: who is held for it may be looked up."""
        for leg, asked in self._asked.items():
            if asked.call.phone == phone and asked.until_ns < NEVER and asked.gone is None:
                asked.until_ns = NEVER
                self._floor.out.append(WantReturn(leg, asked.call))

    def found(self, event: ReturnFound, now_ns: int) -> None:
        """Whose customer it is."""
        asked, told = self._asked.pop(event.leg), event.returned
        if told is None or told.claim is None or told.campaign is None:
            status = BUSY if told is not None and told.busy else self.status
            status = FULL if told is None else status
            if asked.gone is None:
                self._floor.out.append(Refuse(event.leg, status))
            return
        number = call = None
        with suppress(ValueError):  # by a plan of today it is no number to be called
            number = self._leads.numbering.from_value(told.claim.phone)
        if number is not None:
            call = self._placing.answer(told, number, asked.call, event.leg, now_ns)
        if call is None:
            at_ms = self._floor.clock.ms(now_ns)
            over = Finish(told.claim.attempt_id, Outcome.FAILED, LeadState.DONE, 0, at_ms)
            self._floor.out.append(Write(0, (over,)))
            self._floor.out.append(Refuse(event.leg, self.status))
            return
        self.taken += 1
        self.live += 1
        if asked.gone is not None:
            self._placing.on_leg(asked.gone, now_ns)

    def ended(self, call: Call) -> None:
        """One that was taken is over, or any other."""
        self.live -= call.incoming
        if self._asked:
            self.freed(call.claim.phone)

    def owns(self, leg: int) -> bool:
        """Whether a leg is of a call that is not taken yet."""
        return leg in self._asked

    def on_leg(self, event: LegEvent) -> None:
        """One event of such a leg: all that can come is its end."""
        asked = self._asked[event.leg]
        if not isinstance(event, Released):
            return
        if asked.until_ns < NEVER:
            del self._asked[event.leg]
        else:
            asked.gone = event

    def deadline_ns(self) -> int:
        """When somebody was held long enough."""
        if not self._asked:
            return NEVER
        return min(asked.until_ns for asked in self._asked.values())

    def tick(self, now_ns: int) -> None:
        """Our own call to them does not end."""
        for leg in [leg for leg, asked in self._asked.items() if asked.until_ns <= now_ns]:
            del self._asked[leg]
            self._floor.out.append(Refuse(leg, BUSY))

    def _refuse(self, event: Incoming, status: int) -> None:
        self._floor.out.append(Refuse(event.leg, status))
        self._tell(event, status)

    def _tell(self, event: Incoming, refused: int | str) -> None:
        data: dict[str, object] = {
            "trunk": event.trunk,
            "phone": event.phone,
            "port": event.port,
            "called": event.called,
            "caller": "" if event.withheld else event.caller,
            "diverted": event.diverted,
            "refused": refused,
        }
        self._floor.out.append(Notify("incoming", data))
