"""Calls on ports of modem banks: legs of the dialer's that a port's machine carries.

A leg's stream is the port's audio device, and an answer is told when the audio flows. A port
without one plays files that are on its module (`bank_files`): its legs have no stream. Somebody who
calls a port is told to the dialer as any call to us, if the port can be talked on; else the call is
ended. Such a leg has a number of its own below all others: machines number theirs each for itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from dialerd.config.bank_tables import Bank, Calls
from dialerd.config.line_specs import longest_call_s
from dialerd.core.effects import Answer, Dial, Play
from dialerd.core.events import Answered, AnyEvent, Digit, Incoming, MediaLost, Ringing
from dialerd.lines.gsm_line import GsmLines
from dialerd.shell.bank_files import BankFiles
from dialerd.shell.bank_port import BankPort
from dialerd.shell.clock import Clock
from dialerd.shell.ears import Ear
from dialerd.shell.media import Media
from dialerd.store.recording_files import returned_name
from gsm import events as gsm
from gsm.number import RefusedError
from gsm.port import Port

log = logging.getLogger("dialerd.banks")

FIRST_INCOMING: Final = -(1 << 40)  # legs of calls to us by SIP are above it


class _Call:
    """A leg on a port."""

    __slots__ = ("answer", "call_id", "ear", "early", "own", "port", "record", "recorded", "why")

    def __init__(self, port: BankPort, own: int, call_id: str) -> None:
        self.port = port
        self.own = own  # the leg's number at its machine
        self.call_id = call_id
        self.ear: Ear | None = None  # what is listened for
        self.record = False
        self.early = False
        self.recorded = ""  # what its recording is called, where not by its Call-ID
        self.answer: Answered | None = None  # until the audio flows
        self.why = ""  # why its audio failed


class BankCalls:
    """See the module's text."""

    def __init__(
        self,
        banks: Mapping[str, Bank],
        media: Media,
        feed: Callable[[AnyEvent], None],
        publish: Callable[[str, dict[str, object]], None],
        clock: Clock,
    ) -> None:
        """`banks` by name, as they are at any time."""
        self.lines = GsmLines()
        self.over: Callable[[int], object] = media.close  # a leg has ended; before it is told
        self.ear: Callable[[Dial], Ear | None] = _deaf
        self.closing = False
        self.files = BankFiles(media.prompts, feed, self._silent)
        self._banks = banks
        self._media = media
        self._feed = feed
        self._publish = publish
        self._clock = clock
        self._calls: dict[int, _Call] = {}
        self._next = FIRST_INCOMING
        media.device_gone = self._silent
        media.key_to_modem = self._press

    def __len__(self) -> int:
        """Legs of calls in progress, those to be refused too."""
        return len(self._calls)

    def owns(self, leg: int) -> bool:
        """Whether a leg is on a port."""
        return leg in self._calls

    # -- ours ------------------------------------------------------------------------------------

    def prepare(self, effect: Dial, port: BankPort) -> None:
        """Make a leg ready to be dialed."""
        call = self._calls[effect.leg] = _Call(port, effect.leg, effect.call_id)
        call.ear, call.record, call.early = self.ear(effect), effect.record, effect.early

    def discard(self, effect: Dial) -> None:
        """Forget a leg that was made ready and is not to leave."""
        self._calls.pop(effect.leg, None)

    def dial(self, effect: Dial) -> None:
        """Dial a leg that is ready; `Released` follows at once where the port refuses."""
        leg, call = effect.leg, self._calls.get(effect.leg)
        if call is None or call.port.leg is not None:
            self._refuse(leg, "its port is gone" if call is None else "its port is in use")
            return
        bank, port = self._banks[effect.trunk], call.port
        try:
            number = self.lines.dial(effect, bank.number_format.value)
        except RefusedError as error:
            self._refuse(leg, str(error))
            return
        longest_s = longest_call_s(bank, port.iccid)
        port.leg = leg

        def start(one: Port, now_ns: int) -> None:
            why = one.dial(leg, number, now_ns, longest_s, effect.ring_s_max)
            if why:
                port.leg = None
                self._refuse(leg, why)

        port.runner.do(start)

    def _refuse(self, leg: int, why: str) -> None:
        log.warning("leg %d: %s", leg, why)
        self._calls.pop(leg, None)
        self._feed(self.lines.refused(leg))

    def hang_up(self, leg: int) -> None:
        """End a leg; its `Released` follows."""
        call = self._calls.get(leg)
        if call is not None:
            call.port.runner.do(lambda port, now_ns: port.hang_up(call.own, now_ns))

    def send_keys(self, leg: int, keys: str) -> str:
        """Press keys in a call; why not, or nothing."""
        call = self._calls[leg]
        why = call.port.runner.do(lambda port, now_ns: port.digits(call.own, keys, now_ns))
        return str(why or "")

    def play(self, effect: Play) -> bool:
        """Say prompts on a leg; False: they cannot be said."""
        call = self._calls.get(effect.leg)
        if call is not None and call.port.by_files():
            return self.files.play(call.port, call.own, effect)
        return self._media.play(effect.leg, effect.prompts, effect.token)

    def stop_play(self, leg: int) -> None:
        """Say nothing more on a leg."""
        self.files.stop(leg)
        self._media.stop_play(leg)

    def _press(self, leg: int, digit: str) -> None:
        """Whoever talks with a leg pressed a key: the modem sends it."""
        if leg in self._calls and (why := self.send_keys(leg, digit)):
            log.warning("leg %d: key %s is not sent: %s", leg, digit, why)

    # -- theirs ----------------------------------------------------------------------------------

    def _rings(self, port: BankPort, fact: gsm.Incoming) -> None:
        """Somebody calls a port."""
        if self._banks[port.bank].incoming is Calls.IGNORE:
            return
        if self.closing or port.leg is not None or port.deaf():
            port.runner.do(lambda one, now_ns: one.hang_up(fact.leg, now_ns))
            return
        leg, self._next = self._next, self._next - 1
        call_id = f"in-{self._clock.wall_ms():x}{-leg:x}@{port.runner.name}"
        self._calls[leg] = _Call(port, fact.leg, call_id)
        port.leg = leg
        self.lines.rings(leg)
        self._feed(
            Incoming(
                leg, port.bank, port.number, fact.caller, asserted=True,
                withheld=not fact.caller, call_id=call_id, port=port.slot,
            )
        )  # fmt: skip

    def answer(self, effect: Answer) -> None:
        """Take a call to a port; `Answered` follows when its audio flows."""
        call = self._calls.get(effect.leg)
        if call is None:
            return  # it is gone, and that was told
        call.record, call.recorded = effect.record, returned_name(effect.call)
        call.port.runner.do(lambda port, now_ns: port.answer(call.own, now_ns))

    def refuse(self, leg: int) -> None:
        """End a call to a port; nothing more is told of it."""
        self.lines.forget(leg)
        self.hang_up(leg)

    # -- what ports tell -------------------------------------------------------------------------

    def crashed(self, port: BankPort, why: str) -> None:
        """A port's machine failed: nobody else tells the end of its call."""
        call = self._calls.get(port.leg) if port.leg is not None else None
        if call is not None:
            self.hear(port, gsm.Ended(call.own, gsm.Cause.LOCAL, 0, "port", why))
        port.leg = None

    def hear(self, port: BankPort, fact: gsm.CallFact) -> None:
        """Something about a port's call."""
        if isinstance(fact, gsm.Incoming):
            self._rings(port, fact)
            return
        leg = port.leg
        call = self._calls.get(leg) if leg is not None else None
        if leg is None or call is None or call.own != fact.leg:
            return
        match fact:
            case gsm.Digit(digit=digit) if call.port.by_files():
                self._feed(Digit(leg, digit, "info"))
            case gsm.FilePlayed():
                self.files.played(leg, fact)
            case gsm.Digit(digit=digit):
                self._media.pressed(leg, digit, "info", self._clock.now_ns())
            case gsm.AudioStart():
                self._audio(leg, call)
            case gsm.AudioFailed(why=why):
                self._silent(leg, why)
            case gsm.CallEnding(left_s=left_s):
                about = {"bank": port.bank, "slot": port.slot, "call_id": call.call_id}
                self._publish("call_ending", {**about, "left_s": left_s})
            case gsm.Ended():
                fact = _ended(fact, call)
                port.leg = None
                del self._calls[leg]
                self.files.over(leg)
                self.over(leg)
            case _:
                pass
        if isinstance(told := self.lines.translate(replace(fact, leg=leg)), Answered):
            call.answer = told
            self._begin(leg, call)
        elif told is not None:
            early = isinstance(told, Ringing) and self._media.has(leg)
            self._feed(Ringing(leg, early_media=True) if early else told)

    def _audio(self, leg: int, call: _Call) -> None:
        if self._media.has(leg):
            return
        try:
            with call.port.fresh_audio() as device:
                self._media.open_device(leg, device, call.call_id, call.recorded)
        except (OSError, ValueError) as error:
            self._silent(leg, str(error))
            return
        self._media.lend(leg, call.ear)
        self._media.listen(leg)
        if call.early:
            self._media.record(leg)
        self._begin(leg, call)

    def _begin(self, leg: int, call: _Call) -> None:
        """Somebody answered and can be heard, or at least be told something."""
        by_files = call.port.by_files()
        if call.answer is None or not (by_files or self._media.has(leg)):
            return
        answer, call.answer = call.answer, None
        if by_files:
            self._feed(answer)
            return
        call.port.audio_works()
        self._media.answered(leg)
        if call.record:
            self._media.record(leg)
        self._feed(answer)

    def _silent(self, leg: int, why: str) -> None:
        """It cannot be talked on: before the answer it is the port's failure, and nobody's call."""
        call = self._calls.get(leg)
        if call is None or call.why:
            return
        log.warning("leg %d: %s", leg, why)
        call.why = why or "its audio failed"
        call.port.audio_failed(call.why)
        if call.answer is not None or self.lines.answered(leg):
            call.answer = None
            self._feed(MediaLost(leg, call.why))
        self.hang_up(leg)


def _ended(fact: gsm.Ended, call: _Call) -> gsm.Ended:
    """The end of a call, which is the port's own fault where its audio failed."""
    return replace(fact, cause=gsm.Cause.LOCAL, by="port", text=call.why) if call.why else fact


def _deaf(_effect: Dial) -> None:
    """Nothing is listened for."""
