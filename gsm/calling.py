"""Calls of a port: dialing, what AT+CLCC says, the end.

AT+CLCC is the truth: a call is dialing, alerting, answered or gone when a listing says so. What
comes unasked (`^CONN`, `BUSY`, `NO CARRIER`) makes us list at once, and is believed by itself only
where a modem cannot list, or lists nothing of a call whose answer it told. Listings without our
call count: `MISSES_MAX` of them in a row, or one after a hint that it is over, and it is gone.
"""

from __future__ import annotations

from collections.abc import Callable

from gsm import port_table as table
from gsm.call import Call
from gsm.causes import CME, RESULTS
from gsm.clcc import Listed, read_all
from gsm.command import Command, Haste, Result
from gsm.ending import Ending
from gsm.events import Alerting, Answered, Cause, Dialing, Incoming
from gsm.floor import Floor
from gsm.limits import (
    CALLER_WAIT,
    LONG,
    MEDIUM,
    MISSES_MAX,
    MS,
    RING_LOST,
    RINGS_MAX,
    SECOND,
)
from gsm.longest import Longest
from gsm.number import DialString
from gsm.reaching import Reaching
from gsm.urc import Hit

LATE = 3 * SECOND  # an OK of ATD after this tells of the call's answer, or of its end
BLIND_MAX = 3  # listings refused in a row: this modem cannot list


class Calling:
    """The call of a port, if there is one."""

    def __init__(self, floor: Floor, ending: Ending) -> None:
        """Of this port; `ending` ends calls."""
        self.floor = floor
        self.ending = ending
        self.call: Call | None = None
        self._reaching = Reaching(floor)
        self._longest = Longest(floor, ending)
        self.rung: Callable[[], None] = lambda: None  # somebody calls: what idles is stopped
        self._next_leg = -1
        self._refused_lists = 0
        self._listing = False
        self._stale = False
        self._lists = False  # a call was listed on this module

    def lost(self) -> None:
        """The port was lost: a listing that was under way is none."""
        self._listing = self._stale = self._lists = False
        self._refused_lists = 0

    # ours

    def dial(
        self, leg: int, number: DialString, call_s_max: int, ring_ns_max: int, now_ns: int
    ) -> None:
        """Begin a call. The state allows it."""
        floor = self.floor
        call = Call(leg, now_ns, incoming=False)
        call.talk_s_max = call_s_max
        call.ring_ns_max = min(ring_ns_max, floor.dialect.calls.ring_s_max * SECOND)
        self.call = call
        floor.move(table.DIAL, now_ns)
        calls = floor.dialect.calls
        longest = floor.settings.originate_ns_max + call.ring_ns_max
        # Where ATD waits for the answer it is the ring limit that ends it.
        timeout = max(round(calls.dial_timeout_s * SECOND), longest + LATE)
        command = Command(
            calls.dial.replace("{number}", number.text), Haste.DIAL, timeout, calls=True,
            yields=True,
        )  # fmt: skip
        floor.at("ring", now_ns + longest, self._rang_out)
        floor.at("originate", now_ns + floor.settings.originate_ns_max, self._not_originated)
        if not floor.put(command, now_ns, lambda result, at: self._dialed(call, result, at)):
            self.ending.over(call, Cause.LOCAL, "port", "the port takes no commands", now_ns)

    def _dialed(self, call: Call, result: Result, now_ns: int) -> None:
        """The final result of ATD."""
        call.pending = False
        if call is not self.call or call.ended_ns is not None:
            return
        if result.ok:
            call.progress = True
            if "clcc" not in self.floor.can:
                self._dialing(call, now_ns)
            if self.floor.dialect.calls.dial_ok == "answered" or result.final != "OK":
                self._hint_answered(call, now_ns, ours=True)
            elif now_ns - call.begun_ns > LATE:
                call.ended_hint = True  # answered or over: the listing says which
            self.poll(now_ns)
        elif result.outcome == "ended":
            call.words = call.words or RESULTS.get(result.final)
            call.why = result.final
            call.ended_hint = True
            self.poll(now_ns)
        elif result.outcome == "error":
            call.words = CME.get(result.code, Cause.LOCAL)
            call.why = result.final
            call.ended_hint = True
            self.poll(now_ns)
        elif result.outcome == "timeout":
            call.why = "the modem did not answer ATD"
            rang = call.alerting_ns is not None or call.may_have_rung(now_ns)
            self.ending.hang_up(call, Cause.NO_ANSWER if rang else Cause.LOCAL, "port", now_ns)

    def _not_originated(self, now_ns: int) -> None:
        """Neither dialing nor alerting in time; an ATD that waits for the answer is no sign."""
        call = self.call
        if call is None or call.incoming or call.dialing_ns is not None:
            return
        if not call.progress or call.shown or "clcc" not in self.floor.can:
            self._dialing(call, now_ns)  # all we know: ATD is in flight, was accepted or said so
            return
        call.why = "the modem did not start the call"
        self.ending.hang_up(call, Cause.NETWORK, "port", now_ns)

    def _dialing(self, call: Call, now_ns: int) -> None:
        if call.dialing_ns is not None:
            return
        call.dialing_ns = now_ns
        floor = self.floor
        floor.tell(Dialing(call.leg))
        floor.at("ring", now_ns + call.ring_ns_max, self._rang_out)
        self._reaching.watch(call, now_ns)
        if floor.dialect.audio.when == "dialed":
            self.ending.audio_on(call, now_ns)

    def _alerting(self, call: Call, now_ns: int) -> None:
        if call.alerting_ns is not None or not self.floor.allows(table.RINGS_THERE):
            return
        call.alerting_ns = now_ns
        self.floor.cancel("originate")
        self.floor.move(table.RINGS_THERE, now_ns)
        self.floor.tell(Alerting(call.leg))
        self._reaching.judge(call, now_ns)
        if self.floor.dialect.audio.when == "alerting":
            self.ending.audio_on(call, now_ns)

    def _answered(self, call: Call, now_ns: int, *, sure: bool = True) -> None:
        if call.answered_ns is not None or not self.floor.allows(table.ANSWER):
            return
        call.answered_ns = now_ns
        floor = self.floor
        floor.cancel("originate", "ring", "reach", "ring lost", "rings")
        floor.move(table.ANSWER, now_ns)
        floor.tell(Answered(call.leg, sure))
        self.ending.audio_on(call, now_ns)
        self._longest.begin(call, now_ns)

    def _rang_out(self, now_ns: int) -> None:
        call = self.call
        if call is not None and call.answered_ns is None:
            call.why = call.why or "nobody answered in time"
            rang = call.alerting_ns is not None or call.unseen()
            self.ending.hang_up(call, Cause.NO_ANSWER if rang else Cause.NETWORK, "us", now_ns)

    # listings

    def poll(self, now_ns: int) -> None:
        """List now, if no listing is under way."""
        if self._listing:
            self._stale = True  # what is being listed may be older than what made us ask
        if self._listing or "clcc" not in self.floor.can:
            return
        self._stale = False
        command = Command(self.floor.dialect.calls.list, Haste.LIST, MEDIUM)
        self._listing = self.floor.put(command, now_ns, self._listed)

    def _again(self, now_ns: int) -> None:
        """The next listing, by what the call is at."""
        call = self.call
        if call is None or call.asked or self.floor.state not in table.CALL:
            return
        calls = self.floor.dialect.calls
        steady = self.floor.state == table.ACTIVE and not call.misses and not call.ended_hint
        wait = calls.poll_active_ms if steady else calls.poll_ms
        self.floor.at("poll", now_ns + wait * MS, self.poll)

    def _listed(self, result: Result, now_ns: int) -> None:
        self._listing = False
        if result.outcome == "gone":
            return
        calls = self.floor.dialect.calls
        if not result.ok:
            self._not_listed(result, now_ns)
            return
        self._refused_lists = 0
        self.seen(read_all(list(result.lines), calls.released), now_ns)
        if self._stale:
            self.poll(now_ns)
        else:
            self._again(now_ns)

    def _not_listed(self, result: Result, now_ns: int) -> None:
        """A modem that cannot list: hints are all there is."""
        if result.outcome == "error":
            self._refused_lists += 1
            if self._refused_lists >= BLIND_MAX:
                self.floor.can -= {"clcc"}
        call = self.call
        if call is not None and call.ended_hint and result.outcome == "error":
            self._gone(call, now_ns)
        else:
            self._again(now_ns)

    def seen(self, listed: list[Listed], now_ns: int) -> None:
        """A listing of all calls."""
        call = self.call
        self._lists = self._lists or bool(listed)
        if call is None:
            self._strangers(listed, now_ns)
            return
        mine = call.is_listed(listed)
        if mine is None:
            self._missing(call, now_ns)
            return
        if mine.state in ("dialing", "alerting") and call.believed():
            self._answered(call, now_ns, sure=False)
        call.misses = 0
        call.listed_once = True
        call.id = mine.id
        call.hint_misses += 1
        if call.hint_misses >= MISSES_MAX:
            call.ended_hint = False  # it was not ours that ended
        if call.incoming:
            call.ring_ns = now_ns if mine.state == "incoming" else call.ring_ns
            self._announce(call, mine.number, now_ns)
        elif mine.state in ("dialing", "alerting"):
            self.floor.cancel("originate")
            self._dialing(call, now_ns)
        if mine.state == "alerting":
            self._alerting(call, now_ns)
        elif mine.state in ("active", "held"):
            if not call.incoming:
                self._dialing(call, now_ns)
            self._answered(call, now_ns)
        if any(each.state == "waiting" for each in listed):
            self.ending.refuse_waiting(now_ns)

    def _missing(self, call: Call, now_ns: int) -> None:
        call.misses += 1
        if not self._lists and call.believed():
            self.floor.can -= {"clcc"}  # it answers, and has never listed a call
            self._hint_answered(call, now_ns)
            return
        waits = not call.listed_once and not call.incoming
        if (call.ended_hint and not self._stale) or (call.misses >= MISSES_MAX and not waits):
            self._gone(call, now_ns)

    def _gone(self, call: Call, now_ns: int) -> None:
        """No longer listed, or it cannot be listed and a hint says so."""
        self._reaching.judge(call, now_ns, now_ns)
        self.ending.gone(call, now_ns)

    def _strangers(self, listed: list[Listed], now_ns: int) -> None:
        """Calls that we know nothing of."""
        for each in listed:
            if not each.outgoing and each.state in ("incoming", "waiting"):
                self.rings(now_ns)
                if self.call is not None:
                    self.call.id = each.id
                    self._announce(self.call, each.number, now_ns)
                return
        if listed:
            self.ending.clear(now_ns)

    # hints

    def hint(self, hit: Hit, now_ns: int) -> None:
        """A line about a call came unasked."""
        call = self.call
        if call is None or call.ended_ns is not None:
            return
        means = hit.state or hit.means
        if hit.id is not None and call.id is not None and hit.id != call.id:
            return
        blind = "clcc" not in self.floor.can or call.pending
        if means in ("dialing", "alerting"):
            call.progress = call.shown = True
            if blind and not call.incoming:
                self._dialing(call, now_ns)
            if blind and means == "alerting" and not call.incoming:
                self._alerting(call, now_ns)
        elif means in ("answered", "active"):
            self._hint_answered(call, now_ns)
        elif means in ("ended", "released"):
            self._hint_ended(call, hit, now_ns)
        self.poll(now_ns)

    def _hint_answered(self, call: Call, now_ns: int, *, ours: bool = False) -> None:
        call.told_answer = "ours" if ours else call.told_answer or "hint"
        if "clcc" not in self.floor.can:
            if not call.incoming:
                self._dialing(call, now_ns)
            self._answered(call, now_ns, sure=False)

    def _hint_ended(self, call: Call, hit: Hit, now_ns: int) -> None:
        call.ended_hint = True
        call.hint_misses = 0
        call.code = hit.cause or call.code
        call.words = call.words or RESULTS.get(hit.line)
        call.why = call.why or hit.line[:80]
        if "clcc" not in self.floor.can:
            self._gone(call, now_ns)

    # theirs

    def rings(self, now_ns: int) -> None:
        """RING, or a listing with an incoming call."""
        call = self.call
        if call is None and self.floor.allows(table.RINGS_HERE):
            call = Call(self._next_leg, now_ns, incoming=True)
            call.talk_s_max = self.floor.settings.call_s_max
            self._next_leg -= 1
            self.call = call
            self.rung()
            self.floor.stop("code", "text", "files", "idle", "clear")
            self.floor.move(table.RINGS_HERE, now_ns)
            self.floor.at("caller", now_ns + CALLER_WAIT, lambda at: self._tell(call, at))
            self.floor.at("rings", now_ns + RINGS_MAX, self._nobody_came)
            self.poll(now_ns)
        if call is not None and call.incoming and call.answered_ns is None:
            call.ring_ns = now_ns
            self.floor.at("ring lost", now_ns + RING_LOST, self._ring_lost)

    def caller(self, number: str, now_ns: int) -> None:
        """`+CLIP:`."""
        self.rings(now_ns)
        if self.call is not None and self.call.incoming:
            self._announce(self.call, number, now_ns)

    def _announce(self, call: Call, number: str, now_ns: int) -> None:
        if number and not call.caller:
            call.caller = number
        if call.caller:
            self._tell(call, now_ns)

    def _tell(self, call: Call | None, now_ns: int) -> None:
        if call is None or call is not self.call or call.told or call.asked:
            return
        call.told = True
        self.floor.cancel("caller")
        if self.floor.settings.incoming == "reject":
            call.why = "calls to this port are refused"
            self.ending.hang_up(call, Cause.REJECTED, "us", now_ns)
        else:
            self.floor.tell(Incoming(call.leg, call.caller))

    def _nobody_came(self, now_ns: int) -> None:
        call = self.call
        if call is not None and call.incoming and call.answered_ns is None:
            call.why = "nobody took it"
            self.ending.hang_up(call, Cause.REJECTED, "us", now_ns)

    def _ring_lost(self, now_ns: int) -> None:
        call = self.call
        if call is not None and call.incoming and call.answered_ns is None:
            call.ended_hint = True
            if "clcc" in self.floor.can:
                self.poll(now_ns)
                self.floor.at("ring lost", now_ns + RING_LOST, self._ring_lost)
            else:
                self._gone(call, now_ns)

    def answer(self, call: Call, now_ns: int) -> None:
        """ATA. Whether they talk is told by a listing."""

        def then(result: Result, at_ns: int) -> None:
            if call is not self.call:
                return
            if result.ok and "clcc" not in self.floor.can:
                self._answered(call, at_ns, sure=False)
            elif result.outcome == "ended":
                call.ended_hint = True
            self.poll(at_ns)

        command = Command(self.floor.dialect.calls.answer, Haste.ANSWER, LONG, calls=True)
        self.floor.put(command, now_ns, then)
