"""How calls end: the ladder of hang-up commands, the cause, the audio, what the card's care counts.

A call that we end is over when a listing no longer has it, not when a command said OK. Each rung of
the ladder is followed by a look; a call that stands after the last rung is ended by a reset of the
module. Before the far end is alerted only the commands that are safe then are used: on Huawei
modules releasing one call by `AT+CHLD=1x` before `^CONF` wedges the module for good.
"""

from __future__ import annotations

from collections.abc import Callable

from gsm import port_table as table
from gsm.call import Call
from gsm.causes import Q850, UNTOLD, compiled, of_call, of_words
from gsm.clcc import read_all
from gsm.clearing import clear
from gsm.command import Command, Haste
from gsm.events import AudioFailed, AudioStart, AudioStop, By, Cause, Ended, Locked
from gsm.floor import Floor
from gsm.limits import CAUSE_TEXT_MAX, HANG_UP_STEP, MEDIUM, MS, SECOND, SHORT
from gsm.reaching import concluded
from gsm.script import Rest, Steps

CALL_TIMERS = (
    "originate",
    "ring",
    "reach",
    "poll",
    "warn",
    "limit",
    "caller",
    "ring lost",
    "rings",
)
NO_NETWORK = 38  # Q.850: network out of order; modules say it when they have lost theirs
AUDIO_FAILURES_MAX = 2  # calls in a row
LOOKS = 4  # listings after a rung
LOOK_EVERY = 250 * MS


class Ending:
    """Ends the call of a port. `forget` is told when it is over."""

    def __init__(self, floor: Floor) -> None:
        """Of this port."""
        self.floor = floor
        self.forget: Callable[[Call, int], None] = lambda _call, _now: None
        self.silence: Callable[[int], None] = lambda _now: None  # what is played on the module

    # asked for

    def hang_up(self, call: Call, cause: Cause, by: By, now_ns: int) -> None:
        """End it; once."""
        if call.asked or call.ended_ns is not None:
            return
        call.asked = True
        call.cause, call.by = cause, by
        floor = self.floor
        floor.cancel(*CALL_TIMERS)
        floor.stop("audio")
        if floor.allows(table.HANG_UP):
            floor.move(table.HANG_UP, now_ns)
        floor.run("ladder", self._ladder(call), now_ns, lambda at: self._stands(call, at))

    def _ladder(self, call: Call) -> Steps:
        calls = self.floor.dialect.calls
        if call.incoming and call.answered_ns is None:
            rungs = calls.reject
        elif call.alerting_ns is None and call.answered_ns is None:
            rungs = calls.hang_up_early
        else:
            rungs = calls.hang_up
        for rung in rungs:
            text = rung.replace("{id}", str(call.id or 1))
            result = yield Command(text, Haste.HANG_UP, HANG_UP_STEP)
            if "clcc" not in self.floor.can:
                if result.ok:
                    call.cleared = True
                    return
                continue
            for _ in range(LOOKS):
                result = yield Command(calls.list, Haste.HANG_UP, MEDIUM)
                listed = read_all(list(result.lines), calls.released)
                if result.ok and call.is_listed(listed) is None:
                    call.cleared = True
                    return
                yield Rest(LOOK_EVERY)

    def _stands(self, call: Call, now_ns: int) -> None:
        """The ladder has come to its end."""
        if call.cleared:
            self.gone(call, now_ns)
        if call.ended_ns is not None:
            return
        if not self.floor.allows(table.RESET):
            return  # draining: the port is closed in any case
        call.why = "no command ends the call: the module is reset"
        rang = call.may_have_rung(now_ns) and call.cause is not Cause.CANCELLED
        cause = Cause.NO_ANSWER if rang else Cause.LOCAL  # nobody is called again at once
        self.over(call, cause, "port", call.why, now_ns, table.RESET)

    def clear(self, now_ns: int) -> None:
        """A call that nobody is in."""
        floor = self.floor
        if floor.running("clear") or not floor.allows(table.RINGS_HERE):
            return
        floor.run("clear", self._clear(), now_ns)

    def _clear(self) -> Steps:
        if (yield from clear(self.floor)) == "stands":
            self.floor.reset_why = "a call that no command ends"

    def refuse_waiting(self, now_ns: int) -> None:
        """A second caller is told busy (27.007 7.13, CHLD=0)."""
        if not self.floor.running("waiting"):
            self.floor.run("waiting", self._refuse(), now_ns)

    def _refuse(self) -> Steps:
        yield Command("AT+CHLD=0", Haste.HANG_UP, MEDIUM)

    # it is over

    def gone(self, call: Call, now_ns: int) -> None:
        """It is no longer there. Why, may have to be asked."""
        if call.ended_ns is not None:
            return
        floor = self.floor
        call.ended_ns = now_ns
        floor.stop("ladder")
        floor.cancel(*CALL_TIMERS)
        asks = floor.dialect.calls.cause
        known = call.asked or call.incoming or call.answered_ns is not None
        told = call.code not in UNTOLD or call.words is not None
        if known or told or not asks or call.unborn():
            self._conclude(call, now_ns)
            return
        floor.run("cause", self._ask(call, asks), now_ns, lambda at: self._conclude(call, at))

    def _ask(self, call: Call, text: str) -> Steps:
        result = yield Command(text, Haste.LIST, SHORT)
        said = " ".join(line for line in result.lines if not line.upper().startswith("AT"))
        if not result.ok or not said:
            return
        said = call.why = said[:CAUSE_TEXT_MAX]  # patterns search no more than that
        floor = self.floor
        call.words = of_words(said, compiled(floor.dialect.cause))
        found = None if call.words is not None else floor.cause_pattern.search(said)
        if found is not None and found["cause"] and int(found["cause"]) in Q850:
            call.code = int(found["cause"])

    def _conclude(self, call: Call, now_ns: int) -> None:
        end_ns = call.ended_ns or now_ns
        cause, by = call.cause, call.by
        if cause is None or (call.answered_ns is not None and cause is not Cause.LOCAL):
            cause = of_call(
                code=call.code, told=call.words, answered=call.answered_ns is not None,
                rang_ns=call.rang_ns(end_ns), reached=call.reached,
                unseen_ns=end_ns - call.begun_ns if call.unseen() else 0,
            )  # fmt: skip
        if not call.asked:
            cleared = call.answered_ns is not None and call.code in UNTOLD
            by = "peer" if cleared or cause is Cause.REJECTED else "network"
            by = "port" if cause is Cause.LOCAL else by
        self.over(call, cause, by, call.why, now_ns)

    def over(
        self, call: Call, cause: Cause, by: By, why: str, now_ns: int, event: int = table.OVER
    ) -> None:
        """Tell that it is over: the last word of its leg."""
        floor = self.floor
        if call.ended_ns is None:
            call.ended_ns = now_ns
        floor.stop("ladder", "cause", "audio")
        floor.cancel(*CALL_TIMERS)
        self.audio_off(call, now_ns)
        self.silence(now_ns)
        concluded(call, cause, floor)
        end = call.ended_ns
        talk = call.talk_ms(end) if call.answered_ns is not None else None
        floor.tell(
            Ended(
                call.leg, cause, call.code, by, why[:CAUSE_TEXT_MAX], call.ring_ms(end), talk or 0
            )
        )
        if not call.incoming and floor.state != table.DRAINING:
            locks = floor.care.call_over(
                cause, rang=call.alerting_ns is not None, talk_ms=talk, by_us=by == "us",
                now_ns=now_ns,
            )  # fmt: skip
            for reason, until in locks:
                floor.tell(Locked(reason, until))
        floor.calls += 1
        floor.doubt = (
            floor.doubt or cause in (Cause.NETWORK, Cause.LOCAL) or call.code == NO_NETWORK
        )
        self.forget(call, now_ns)
        if floor.allows(event):
            floor.move(event, now_ns, why if event == table.RESET else "")

    # audio

    def audio_on(self, call: Call, now_ns: int) -> None:
        """Switch the module's audio on, if it is not and is wanted."""
        floor = self.floor
        wanted = floor.settings.audio_on and floor.audio_class() in ("pcm_tty", "uac")
        if wanted and not call.audio and not floor.running("audio"):
            floor.run("audio", self._audio(call), now_ns)

    def _audio(self, call: Call) -> Steps:
        audio = self.floor.dialect.audio
        on = audio.on
        if self.floor.settings.audio_uac and audio.uac_on:
            on = audio.uac_on
        why = ""
        for _ in range(audio.tries):
            why = ""
            for text in on:
                result = yield Command(text, Haste.AUDIO, MEDIUM)
                if not result.ok:
                    why = f"{text}: {result.final or result.outcome}"
                    break
            if not why:
                call.audio = True
                self.floor.audio_failures = 0
                self.floor.tell(AudioStart(call.leg))
                return
            yield Rest(SECOND // 2)
        self.floor.tell(AudioFailed(call.leg, why[:CAUSE_TEXT_MAX]))
        self.floor.audio_failures += 1
        if self.floor.audio_failures >= AUDIO_FAILURES_MAX:  # SIM7600: only a reset cures it
            self.floor.audio_failures = 0
            self.floor.reset_why = "its audio cannot be switched on"

    def audio_off(self, call: Call, now_ns: int) -> None:
        """And off."""
        if not call.audio:
            return
        call.audio = False
        self.floor.tell(AudioStop(call.leg))
        for text in self.floor.dialect.audio.off:
            self.floor.put(Command(text, Haste.AUDIO, MEDIUM), now_ns)
