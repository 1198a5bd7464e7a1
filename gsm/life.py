"""What joins the parts of a port: who hears which line, what follows from entering a state.

After every input `settle` looks whether the port is idle, and if so at what waits for that: locks,
the network, a reset, texts, the balance. It tells the state when it has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gsm import port_table as table
from gsm.call import Call
from gsm.calling import Calling
from gsm.chores import Chores
from gsm.command import Command
from gsm.effects import Close, Reopen
from gsm.ending import Ending
from gsm.events import CardChanged, Cause, PortState, Restarted, Unlocked
from gsm.floor import Floor
from gsm.keying import Keying
from gsm.limits import BOOT_MAX, DRAIN_TIME, MS, OPEN_MAX, SECOND
from gsm.module_files import ModuleFiles
from gsm.resetting import Resetting
from gsm.script import Steps
from gsm.starting import Starting
from gsm.texts import Texts
from gsm.urc import Hit
from gsm.watching import Watching

GONE: Final = "NOT INSERTED"
HERE: Final = "READY"
CARD_AGAIN: Final = 60 * SECOND  # a card that was not there is looked for
CARD_SOON: Final = 1 * SECOND
UNFIT_AGAIN: Final = 300 * SECOND
REOPEN_AFTER_RESET: Final = 3 * SECOND
SETTLED_MAX: Final = 8  # gates passed in one go


class Life:
    """Of one port."""

    def __init__(self, floor: Floor) -> None:
        """Closed."""
        self.floor = floor
        self.starting = Starting(floor)
        self.watching = Watching(floor, self.starting)
        self.ending = Ending(floor)
        self.calling = Calling(floor, self.ending)
        self.keying = Keying(floor)
        self.texts = Texts(floor)
        self.failures = 0
        self.resetting = Resetting(floor, self.texts)
        self.files = ModuleFiles(floor)
        self.chores = Chores(floor, self.texts, self.files)
        self._told: PortState | None = None
        self._verdict = ""  # of a sequence that says why the port is of no use
        self._card_seen_ns = 0
        self._fresh = True  # its device was not opened in vain just before
        self._boots_ns = 0  # until then silence is perhaps of a modem that starts
        self.calling.rung = lambda: self._interrupted("a call came in")
        self._listeners = self._listening()
        self._beginnings = self._beginning()
        self.ending.forget = self._forget
        self.ending.silence = self.files.call_over
        floor.heard, floor.dead, floor.entered = self._heard, self._silent, self._entered

    def _interrupted(self, why: str) -> None:
        """What an idle port does for others goes no further."""
        self.texts.interrupted(why)
        self.files.interrupted(why)

    def _fail_all(self) -> None:
        """Nor does what waits for it."""
        self.texts.fail_all()
        self.files.fail_all("the port was lost")

    # the device goes away

    def leave(self, event: int, why: str, now_ns: int) -> None:
        """It is lost, silent or closed: whatever was under way is over."""
        floor = self.floor
        call = self.calling.call
        self._fail_all()
        floor.forget()
        floor.channel.closed(now_ns)
        self.calling.lost()
        floor.registered = False
        floor.move(event, now_ns, why)
        if call is not None:
            self.calling.call = None
            by_us = event == table.DRAINED and call.cause is not None
            cause = call.cause if by_us and call.cause is not None else Cause.LOCAL
            self.ending.over(call, cause, "us" if by_us else "port", why, now_ns)

    def _silent(self, now_ns: int) -> None:
        """The modem does not answer any more."""
        floor = self.floor
        if floor.state == table.RESETTING and self.resetting.waits(now_ns):
            self.resetting.listen(now_ns)
        elif floor.state == table.SYNC and now_ns < self._boots_ns:
            floor.channel.opened(now_ns)
            self._sync(now_ns)
        elif floor.allows(table.SILENT):
            self.leave(table.SILENT, floor.channel.silence(), now_ns)

    def flee(self, now_ns: int) -> None:
        """It floods: an answer would not be found among that, so the call is ended unheard."""
        if self.calling.call is not None:
            self.floor.write(self.floor.dialect.calls.hang_up_early[0].encode("ascii") + b"\r")
        self.leave(table.SILENT, "the modem floods", now_ns)

    def wind_up(self, now_ns: int) -> None:
        """Hang up, then close: in `DRAIN_TIME` at the latest."""
        floor = self.floor
        self._fail_all()
        floor.forget()
        floor.move(table.DRAIN, now_ns, "closing")
        if floor.state != table.DRAINING:
            return
        floor.at("drained", now_ns + DRAIN_TIME, self._drained)
        call = self.calling.call
        if call is None:
            floor.run("last", self._last_words(), now_ns, self._drained)
            return
        call.asked = False
        cause = Cause.ANSWERED if call.answered_ns is not None else Cause.CANCELLED
        self.ending.hang_up(call, cause, "us", now_ns)

    def _last_words(self) -> Steps:
        """What is under way is let come to its end: a command cut short wedges some modules."""
        yield Command("AT", timeout_ns=SECOND)

    def _drained(self, now_ns: int) -> None:
        if self.floor.allows(table.DRAINED):
            self.leave(table.DRAINED, "", now_ns)

    def _forget(self, call: Call, now_ns: int) -> None:
        """A call is over."""
        if self.calling.call is call:
            self.calling.call = None
        self.keying.stop()
        if self.floor.state == table.DRAINING:
            self.floor.run("last", self._last_words(), now_ns, self._drained)

    # lines that come unasked

    def _heard(self, hit: Hit, now_ns: int) -> None:
        listener = self._listeners.get(hit.means)
        if listener is not None:
            listener(hit, now_ns)

    def _listening(self) -> dict[str, Callable[[Hit, int], None]]:
        """Who is told what a line means."""
        calling, texts, watching = self.calling, self.texts, self.watching
        call: dict[str, Callable[[Hit, int], None]] = dict.fromkeys(
            ("dialing", "alerting", "answered", "ended", "call"), self._call_said
        )
        return call | {
            "ring": lambda _hit, now: calling.rings(now),
            "caller": lambda hit, now: calling.caller(hit.number, now),
            "digit": lambda hit, now: self.keying.heard(calling.call, hit.digit, now),
            "registration": lambda hit, now: watching.heard_registration(hit.line, now),
            "signal": lambda hit, now: watching.heard_signal(hit.line, now),
            "ussd": lambda hit, _now: texts.heard_ussd(hit.line),
            "sms": lambda hit, _now: texts.arrived(hit.value),
            "report": lambda hit, _now: texts.arrived(hit.value),
            "sms_full": lambda _hit, _now: texts.look(),
            "sim": lambda hit, now: self._card_said(hit.value, now),
            "sim_gone": lambda _hit, now: self._card_said(GONE, now),
            "sim_here": lambda _hit, now: self._card_said(HERE, now),
            "played": lambda _hit, _now: self.files.over(self.files.playing, ""),
            "recorded": lambda hit, _now: self.files.over(self.files.recording, hit.value),
            "restarted": self._module_said,
            "powered_off": self._module_said,
        }

    def _call_said(self, hit: Hit, now_ns: int) -> None:
        if hit.state in ("incoming", "waiting") and self.calling.call is None:
            self.calling.rings(now_ns)
        self.calling.hint(hit, now_ns)

    def _module_said(self, _hit: Hit, _now_ns: int) -> None:
        if self.floor.state in table.UP:
            self.floor.restart_why = "the module has started anew"

    def _card_said(self, value: str, now_ns: int) -> None:
        floor = self.floor
        gone = "NOT INSERTED" in value or "REMOVED" in value
        if floor.state == table.SIM_FAULT and "READY" in value and "NOT" not in value:
            if now_ns >= self._card_seen_ns:  # a contact that chatters is looked at now and then
                self._card_seen_ns = now_ns + CARD_SOON
                floor.move(table.CARD, now_ns)
        elif gone:
            floor.card_moved = "no card"
            if floor.allows(table.FAULT):
                floor.move(table.FAULT, now_ns, floor.card_moved)

    # states

    def _entered(self, before: int, after: int, now_ns: int) -> None:
        """What begins with a state."""
        floor = self.floor
        if before == table.REGISTER and after != table.REGISTER:
            self.watching.end()
        if before == table.OPENING:
            floor.cancel("open")
            self._boots_ns = now_ns + BOOT_MAX * self._fresh
        if after == table.OPENING:
            wait, self._fresh = 0, before != table.DEAD
            if before == table.CLOSED:
                wait = floor.settings.start_ns
            elif before == table.RESETTING:
                wait = REOPEN_AFTER_RESET
                floor.put_effect(Reopen(wait))
            floor.at("open", now_ns + wait + OPEN_MAX, self._not_opened)
        if after == table.SIM:
            floor.card_moved = ""  # it is asked who it is
        if (begin := self._beginnings.get(after)) is not None:
            begin(now_ns)

    def _beginning(self) -> dict[int, Callable[[int], None]]:
        """What begins in which state."""
        run, starting = self.floor.run, self.starting
        return {
            table.ABSENT: self._back_off,
            table.DEAD: self._back_off,
            table.CLOSED: lambda _now: self.floor.put_effect(Close("drained")),
            table.SYNC: self._sync,
            table.IDENTIFY: lambda now: run("up", starting.identify(), now, self._identified),
            table.SIM: lambda now: run("up", self._card(), now, self._carded),
            table.REGISTER: self.watching.begin,
            table.READY: self.watching.idle,
            table.SIM_FAULT: self._no_card,
            table.DEGRADED: lambda now: self.floor.at("again", now + UNFIT_AGAIN, self._time),
            table.COOL_DOWN: self._cool_down,
            table.RESETTING: self._reset,
        }

    def _no_card(self, now_ns: int) -> None:
        self.floor.stop("up", "idle", "status")
        self.floor.at("again", now_ns + CARD_AGAIN, self._time)

    def _time(self, now_ns: int) -> None:
        if self.floor.allows(table.TIME):
            self.floor.move(table.TIME, now_ns)

    def _not_opened(self, now_ns: int) -> None:
        if self.floor.state == table.OPENING:
            self.leave(table.LOST, "the device was not opened", now_ns)

    def _back_off(self, now_ns: int) -> None:
        floor, settings = self.floor, self.floor.settings
        if floor.state == table.DEAD:
            floor.put_effect(Close(floor.why))
        if self.resetting.waits(now_ns):
            wait = REOPEN_AFTER_RESET
        else:
            base = min(settings.back_off_min_ns << min(self.failures, 16),
                       settings.back_off_max_ns * 4 // 5)  # fmt: skip
            wait = max(settings.back_off_min_ns, round(base * (1 + floor.rng.random() / 4)))
            self.failures += 1
        floor.waits(floor.why, now_ns + wait)
        floor.put_effect(Reopen(wait))
        floor.at("back off", now_ns + wait, self._time)

    def _sync(self, now_ns: int) -> None:
        self.floor.run("up", self.starting.sync(), now_ns, self._synced)

    def _synced(self, now_ns: int) -> None:
        if self.floor.allows(table.ANSWERS):
            self.floor.move(table.ANSWERS, now_ns)

    def _identified(self, now_ns: int) -> None:
        floor = self.floor
        if floor.state != table.IDENTIFY:
            return
        self.starting.nobody_yet()
        if floor.why or "voice" not in floor.can:
            floor.move(table.UNFIT, now_ns, floor.why or "the module makes no calls")
        else:
            floor.move(table.IDENTIFIED, now_ns)

    def _card(self) -> Steps:
        self._verdict = "the modem does not answer"
        self._verdict = yield from self.starting.card()
        if not self._verdict and (why := (yield from self.starting.know_card())):
            self._verdict = f"unfit: {why}"

    def _carded(self, now_ns: int) -> None:
        floor, why = self.floor, self._verdict
        if floor.state != table.SIM:
            return
        if why.startswith("unfit: "):
            floor.move(table.UNFIT, now_ns, why.removeprefix("unfit: "))
        elif why:
            floor.move(table.FAULT, now_ns, why)
        else:
            self.failures = 0
            self.texts.look()
            floor.move(table.CARD, now_ns)

    def _cool_down(self, now_ns: int) -> None:
        floor = self.floor
        care = floor.settings.care
        rest = round((care.gap_s + care.gap_s_spread * floor.rng.random()) * SECOND)
        rest = max(rest, floor.dialect.calls.settle_ms * MS)
        floor.waits("rest after a call", now_ns + rest)
        self.watching.called(now_ns)
        floor.at("rested", now_ns + rest, self._rested)

    def _rested(self, now_ns: int) -> None:
        if self.floor.state == table.COOL_DOWN:
            self.floor.move(table.RESTED, now_ns)

    # resets

    def _reset(self, now_ns: int) -> None:
        self.chores.was_reset()
        self.resetting.begin(now_ns)

    # the gate

    def settle(self, now_ns: int) -> None:
        """After every input."""
        floor = self.floor
        if floor.restart_why:
            self._restarted(now_ns)
        for reason in floor.care.expired(now_ns):
            floor.tell(Unlocked(reason))
        strangers, floor.strangers = floor.strangers, []
        if strangers and self.calling.call is None:
            self.calling.seen(strangers, now_ns)
        self.watching.check(now_ns)
        for _ in range(SETTLED_MAX):
            before = floor.state
            self._gate(now_ns)
            if floor.state == before:
                break
        self._announce(now_ns)

    def _restarted(self, now_ns: int) -> None:
        floor = self.floor
        why, floor.restart_why = floor.restart_why, ""
        if not floor.allows(table.RESTARTED):
            return
        call = self.calling.call
        self._interrupted(why)
        floor.forget()
        floor.channel.opened(now_ns)
        floor.registered = False
        self.calling.lost()
        floor.move(table.RESTARTED, now_ns, why)
        floor.tell(Restarted(why))
        if call is not None:
            self.calling.call = None
            self.ending.over(call, Cause.LOCAL, "port", why, now_ns)

    def _gate(self, now_ns: int) -> None:
        """Where an idle port goes on to."""
        floor = self.floor
        if floor.reset_why and floor.allows(table.RESET) and floor.state != table.RELEASING:
            floor.stop("up")
            floor.move(table.RESET, now_ns, floor.reset_why)
            return
        if floor.state not in (table.READY, table.LOCKED):
            return
        locked = floor.care.locked()
        if floor.card_moved and floor.state == table.READY:
            floor.stop("idle", "status")
            floor.move(table.CARD, now_ns, "who is the card?")
        elif not floor.registered:
            floor.move(table.UNREGISTERED, now_ns)
        elif locked is not None and floor.state == table.READY:
            floor.move(table.LOCK, now_ns, locked[0], locked[1])
        elif locked is None and floor.state == table.LOCKED:
            floor.move(table.UNLOCK, now_ns)
        elif not floor.running():
            if locked is not None:
                floor.waits(*locked)
            self.chores.do(now_ns)

    def _announce(self, now_ns: int) -> None:
        floor = self.floor
        card = floor.care.card
        if card != floor.card_told:
            floor.card_told = card.copy()
            if card.iccid:
                floor.tell(CardChanged(card.copy()))
        ready = floor.not_ready() == ""
        state = PortState(table.STATES[floor.state], floor.told_why(), floor.until_ns, ready)
        if state == self._told:
            return
        told = self._told
        same = told is not None and (told.state, told.ready) == (state.state, ready)
        if floor.seldom("state", now_ns) or not same:
            self._told = state
            floor.tell(state)
        elif not floor.has_timer("state"):  # only its reason: at most once a second
            floor.at("state", now_ns + SECOND, lambda _at: None)
