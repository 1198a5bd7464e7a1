"""Legs: what the dialer wants of one, done with the SIP endpoint or a bank of modems, and media.

A call is made ready before it is recorded (`prepare`) and leaves afterwards (`dial`): its record
holds what a later process needs to end it. What changes of that is told by `keeps`, and where the
call waits for it, `kept` lets it go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from secrets import randbits

from dialerd.core.effects import (
    Answer,
    Bridge,
    Dial,
    Hold,
    ListenIn,
    Play,
    Refuse,
    Release,
    RingAgent,
    SendKeys,
    StopPlay,
    Tape,
    Unbridge,
)
from dialerd.core.events import AnyEvent, MediaLost
from dialerd.core.keys import Dtmf
from dialerd.core.ops import PHONE_LEGS
from dialerd.lines.phone_line import AWAY, PhoneLines
from dialerd.lines.sip_line import SipLines
from dialerd.shell.bank_calls import BankCalls
from dialerd.shell.banks import Banks
from dialerd.shell.ears import Ears
from dialerd.shell.media import Media
from dialerd.shell.sip_stack import Stack
from dialerd.store.recording_files import returned_name
from sip.accounts.saved import Reached
from sip.calls.journal import Keep
from sip.calls.orphan import Cleared
from sip.errors import SipError
from sip.events import (
    Accepted,
    Digit,
    Ended,
    Established,
    Incoming,
    Modified,
    Provisional,
    Registration,
    Renegotiated,
    SipEvent,
    Told,
)

log = logging.getLogger("dialerd.calls")

KEY_MS = 160  # of a key by INFO


class Calls:
    """Legs in progress."""

    def __init__(
        self,
        stack: Stack,
        lines: SipLines,
        agents: PhoneLines,
        media: Media,
        feed: Callable[[AnyEvent], None],
        ears: Ears,
    ) -> None:
        """Hears what `stack` tells from now on."""
        self._endpoint = stack.endpoint
        self._flush = stack.flush
        self._lines = lines
        self._agents = agents
        self._media = media
        self._feed = feed
        self._ears = ears
        self._trunk_of = stack.admission.trunk
        self._banks: Banks | None = None
        self._to_record: set[int] = set()  # legs that are recorded from their answer on
        self._early: set[int] = set()  # those of them that are from their first sound on
        self._collected: dict[int, str] = {}  # other legs, and by which trunk they leave
        self._taping: set[int] = set()  # legs of which a part is recorded
        self._attempts: dict[int, int] = {}  # legs that were made ready, and whose they are
        self._offers: dict[int, bytes] = {}  # of calls to us, in their INVITEs
        self.hears: Callable[[SipEvent], None] = _unheard  # of events that are no leg's
        self.cleared: Callable[[Cleared], None] = _unheard
        self.keeps: Callable[[int, Keep], None] = _unkept
        stack.on_event = self.on_sip

    def use(self, banks: Banks) -> None:
        """Legs on these trunks are calls of modems."""
        self._banks = banks
        banks.calls.over = self._over
        banks.calls.ear = lambda effect: self._ears.of(effect.trunk, effect.detection)

    def __len__(self) -> int:
        """Legs in use."""
        modems = len(self._banks) if self._banks is not None else 0
        return len(self._lines) + len(self._agents) + modems

    def _bank(self, effect: Dial) -> Banks | None:
        banks = self._banks
        return banks if banks is not None and effect.trunk in banks.names else None

    def _modems(self, leg: int) -> BankCalls | None:
        """Whoever has this leg, if it is on a port of a bank."""
        calls = self._banks.calls if self._banks is not None else None
        return calls if calls is not None and calls.owns(leg) else None

    def attempt_of(self, leg: int) -> int | None:
        """Whose leg it is; None when it is nobody's any more."""
        return self._attempts.get(leg)

    def prepare(self, effect: Dial) -> bytes:
        """Make a leg ready to leave; the line to keep before, empty when it cannot leave.

        A modem's call has none: a port that is opened has its calls ended first.
        """
        if (banks := self._bank(effect)) is not None:
            if (modem := banks.port_of(effect)) is not None:
                banks.calls.prepare(effect, modem)
            return b""
        try:
            dtmf = self._lines.dtmf(effect.trunk)
            port = self._media.open(effect.leg, dtmf, effect.call_id)
            invite = self._lines.invite(effect, self._media.shown, port)
            ready = self._endpoint.invite(invite, time.monotonic_ns())
        except (OSError, KeyError, SipError) as error:
            ids = {"leg": effect.leg, "attempt": effect.call, "trunk": effect.trunk}
            log.warning("leg %d on trunk %s: %s", effect.leg, effect.trunk, error, extra=ids)
            ready = None
        if ready is None:
            self._media.close(effect.leg)
            return b""
        self._attempts[effect.leg] = effect.call
        self._media.lend(effect.leg, self._ears.of(effect.trunk, effect.detection))
        if effect.record:
            self._to_record.add(effect.leg)
            if effect.early:
                self._early.add(effect.leg)
        if effect.leg not in self._early:
            self._collected[effect.leg] = effect.trunk
        return ready.line

    def dial(self, effect: Dial) -> None:
        """Send the INVITE of a leg, whose line is kept."""
        if (banks := self._bank(effect)) is not None:
            banks.calls.dial(effect)
            return
        if effect.leg not in self._attempts:
            self._feed(self._lines.refused(effect.leg))
            return
        self._endpoint.go_on(effect.leg, time.monotonic_ns())
        self._flush()

    def discard(self, effect: Dial) -> None:
        """Forget a leg that was made ready and is not to leave; nothing is told of it."""
        if (banks := self._bank(effect)) is not None:
            banks.calls.discard(effect)
            return
        self._lines.refused(effect.leg)
        self._hang_up(effect.leg)

    def kept(self, leg: int, *, kept: bool) -> None:
        """A line that the leg waits for is kept, or cannot be: then it is given up."""
        self._endpoint.go_on(leg, time.monotonic_ns(), kept=kept)
        self._flush()

    def release(self, effect: Release) -> None:
        """Hang a leg up."""
        self._hang_up(effect.leg)

    def _hang_up(self, leg: int) -> None:
        if (modems := self._modems(leg)) is not None:
            modems.hang_up(leg)
            return
        self._endpoint.release(leg, time.monotonic_ns())
        self._flush()

    def line_of(self, leg: int) -> bytes:
        """What a later process needs to end a call to us that we answer; empty when it is gone.

        A modem's call has none, as `prepare` says.
        """
        return b"" if self._modems(leg) is not None else self._endpoint.line_of(leg)

    def answer(self, effect: Answer) -> None:
        """Take a call to us; where its audio cannot be had, refuse it."""
        if (modems := self._modems(effect.leg)) is not None:
            modems.answer(effect)
            return
        leg, offer = effect.leg, self._offers.get(effect.leg)
        if offer is None:
            return  # it is gone, and that was told
        now_ns, code = time.monotonic_ns(), 0
        try:
            name = returned_name(effect.call)
            port = self._media.open(leg, self._lines.dtmf_of(leg), effect.call_id, name)
            described = self._lines.answer(leg, offer, self._media.shown, port)
            self._endpoint.accept(leg, described, now_ns)
            if effect.record:
                self._to_record.add(leg)
        except (OSError, ValueError) as error:
            log.warning("call %s to us: %s", effect.call_id, error)
            code = 488 if isinstance(error, ValueError) else 503
        if code:
            self._endpoint.reject(leg, code, now_ns)
        self._flush()

    def refuse(self, effect: Refuse) -> None:
        """Answer a call to us."""
        if (modems := self._modems(effect.leg)) is not None:
            modems.refuse(effect.leg)
            return
        self._lines.forget(effect.leg)
        self._offers.pop(effect.leg, None)
        self._endpoint.reject(effect.leg, effect.code, time.monotonic_ns())
        self._flush()

    def play(self, effect: Play) -> None:
        """Start prompts; where they cannot be played, hang up rather than stay silent."""
        if not (self._media.say if self._banks is None else self._banks.calls.play)(effect):
            self._hang_up(effect.leg)

    def stop_play(self, effect: StopPlay) -> None:
        """Silence a leg."""
        (self._media if self._banks is None else self._banks.calls).stop_play(effect.leg)

    def tape(self, effect: Tape) -> None:
        """Record a part, unless the whole is recorded; or the end of the part."""
        if effect.name and self._media.record(effect.leg, effect.name):
            self._taping.add(effect.leg)
        elif not effect.name and effect.leg in self._taping:
            self._taping.discard(effect.leg)
            self._tell_recorded(effect.leg)

    def _telephones(self, name: str) -> list[Reached]:
        registrar = self._endpoint.registrar
        return registrar.lookup(name) if registrar is not None else []

    def registered(self, phone: str) -> bool:
        """Whether a telephone of this name can be called now."""
        return bool(self._telephones(phone))

    def ring(self, effect: RingAgent) -> None:
        """Call an agent's telephone, the one it prefers where there are several."""
        leg, found = effect.leg, self._telephones(effect.phone)
        if not found:
            log.warning("agent %s: telephone %r is not registered", effect.agent, effect.phone)
            self._feed(self._agents.refused(leg, AWAY))
            return
        try:
            port = self._media.open(leg, call_id=effect.call_id)
            invite = self._agents.invite(effect, found[0], self._media.shown, port)
            ready = self._endpoint.invite(invite, time.monotonic_ns())
        except (OSError, SipError) as error:
            log.warning("agent %s at %r: %s", effect.agent, effect.phone, error)
            self._media.close(leg)
            self._feed(self._agents.refused(leg))
            return
        if ready is not None:  # it leaves as soon as its line is kept
            number = self._attempts[leg] = PHONE_LEGS + randbits(62)
            self.keeps(number, ready)
        self._flush()

    def bridge(self, effect: Bridge) -> None:
        """Customer and agent, or whom the customer is put through to, hear each other."""
        agent = self._attempts.get(effect.other, 0) >= PHONE_LEGS
        self._media.bridge(effect.leg, effect.other, agent=agent)
        if effect.record:
            self._media.record(effect.leg)
        else:
            self._tell_recorded(effect.leg)

    def listen_in(self, effect: ListenIn) -> None:
        """A supervisor hears a call; where that cannot be, its telephone is hung up."""
        if not self._media.meetings.listen_in(effect.leg, effect.other, effect.mode):
            self._hang_up(effect.leg)

    def unbridge(self, effect: Unbridge) -> None:
        """They do not any more."""
        self._media.unbridge(effect.leg)

    def hold(self, effect: Hold) -> None:
        """Music; where it cannot be played there is silence."""
        self._media.hold(effect.leg, effect.prompt)

    def send_keys(self, effect: SendKeys) -> None:
        """Press keys the way of the leg: by events, INFO, tones, or a modem's command."""
        leg, keys = effect.leg, effect.keys
        why, way = "", self._media.keys_way(leg)
        if (modems := self._modems(leg)) is not None:
            why = modems.send_keys(leg, keys)
        elif way is not None and way[1] is Dtmf.INFO:
            for key in keys:
                self._endpoint.digit(leg, key, KEY_MS, time.monotonic_ns())
            self._flush()
        elif way is not None:
            try:
                self._media.engine.send_digits(way[0], keys, 0)
            except BufferError as error:
                why = str(error)
        if why:
            log.warning("leg %d: %d keys were not sent: %s", leg, len(keys), why)

    def on_sip(self, event: SipEvent) -> None:
        """What SIP tells: media first, then the core."""
        if isinstance(event, Keep | Cleared | Registration | Told):
            self._pass_on(event)
            return
        if isinstance(event, Incoming):
            self._offers[event.leg] = event.sdp
            self._feed(self._lines.incoming(event, self._trunk_of(event.source[0])))
            return
        if isinstance(event, Provisional) and event.sdp and self._heard(event.leg, event.sdp):
            self._sounds(event.leg)
        elif isinstance(event, Accepted | Established):
            if not self._begins(event):
                return
        elif isinstance(event, Renegotiated | Modified):
            self._heard(event.leg, event.sdp)
        elif isinstance(event, Digit):
            pressed_ns = time.monotonic_ns() - event.ms * 1_000_000
            self._media.pressed(event.leg, event.digit, "info", pressed_ns)
        elif isinstance(event, Ended):
            self._over(event.leg)
        if (told := self._lines.translate(event) or self._agents.translate(event)) is not None:
            self._feed(told)

    def _sounds(self, leg: int) -> None:
        """There is audio before the answer."""
        self._media.listen(leg)
        if leg in self._early:
            self._media.record(leg)
        elif leg in self._collected:
            self._media.collect(leg, self._collected.pop(leg))

    def _begins(self, event: Accepted | Established) -> bool:
        """The call is up: audio, and its recording; False when there can be none.

        Of a call to us it begins with the ACK, which only who got our 200 can send.
        """
        leg, came = event.leg, isinstance(event, Established)
        theirs = event.sdp or self._offers.get(leg, b"") if came else event.sdp
        if not self._endpoint.description(leg):
            return True  # ended in the same read of the socket, which is told next
        if not self._heard(leg, theirs):
            self._feed(MediaLost(leg, f"no usable audio in the {'offer' if came else 'answer'}"))
            self._hang_up(leg)
            return False
        self._media.answered(leg)
        if leg in self._to_record:
            self._media.record(leg)
        return True

    def _pass_on(self, event: Keep | Cleared | Registration | Told) -> None:
        """What is neither the media's nor the core's."""
        if isinstance(event, Keep):
            self.keeps(self._attempts[event.leg], event)
        elif isinstance(event, Cleared):
            self.cleared(event)
        else:
            self.hears(event)

    def _over(self, leg: int) -> None:
        number = self._attempts.pop(leg, 0)
        if number >= PHONE_LEGS:
            self.keeps(number, Keep(leg, b"", waits=False))
        self._offers.pop(leg, None)
        self._to_record.discard(leg)
        self._early.discard(leg)
        self._collected.pop(leg, None)
        self._taping.discard(leg)
        self._tell_recorded(leg)
        self._media.close(leg)

    def _tell_recorded(self, leg: int) -> None:
        kept = self._media.recorded(leg)
        if kept is not None:
            self._feed(kept)

    def _heard(self, leg: int, theirs: bytes) -> bool:
        """Follow what the far end described, as answer to our last description or as its cause."""
        return self._media.connect(leg, self._endpoint.description(leg), theirs)


def _unheard(event: SipEvent) -> None:
    """Nobody asked for anything."""


def _unkept(attempt_id: int, keep: Keep) -> None:
    """Who dials sets a driver that keeps it."""
    raise AssertionError(f"nobody keeps the line of attempt {attempt_id}, leg {keep.leg}")
