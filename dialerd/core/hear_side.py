"""What a call does about what is heard of it: who answered, and sounds that mean something.

| what was heard                  | before the answer          | after it                       |
|---------------------------------|----------------------------|--------------------------------|
| says what became of the call    | hung up, with that outcome | nobody is there: hung up       |
| no person (fax)                 | hung up, where so mapped   | hung up, outcome machine       |
| the end of a machine's greeting |                            | the message                    |
| anything else                   | written down               | written down                   |

What a sound means is the line's word (`dialerd.lines.sound_map`). A person is not hung up on for
it: whoever was found to be one, pressed a key or talks with an agent. Only where a line has no
other sign that its far end is gone (FXO), a busy tone ends their calls too.

A beep just before the verdict ended the greeting, too.

A verdict may be followed by another, when a voice taken for a person talks on as machines do. The
first stays with the attempt, the later one beside it; a flow that began is taken back as by any
late verdict, and nothing is taken from an agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialerd.core.detection_records import Detection
from dialerd.core.effects import StopPlay
from dialerd.core.flow import FlowRun
from dialerd.core.flow_side import FlowSide
from dialerd.core.greeted import Greeted
from dialerd.core.limits import SOUNDS_MAX
from dialerd.core.manners import Manners, listens, manners
from dialerd.core.records import Answerer, CampaignSettings, EventKind, Outcome

if TYPE_CHECKING:
    from dialerd.core.effects import AnyEffect
    from dialerd.core.events import Sound, Verdict

ENDS: Final = ("beep", "silence")
"""Sounds that end a machine's greeting."""
_BEEP_NS: Final = 3_000_000_000
"""What it said after a beep further back would have been heard: its greeting went on."""


class HearSide(FlowSide):
    """See the module's text; `Call` has the rest."""

    __slots__ = (
        "_audible", "_beep_until_ns", "_ends_as", "_flow", "_noted", "_pressed",
        "answerer", "revised", "revised_ms", "verdict_ms", "verdict_sure",
    )  # fmt: skip

    if TYPE_CHECKING:
        answered_ms: int

        def _release(self, why: Outcome, now_ns: int) -> None:
            """See `Call`."""

        def _set_deadline(self) -> None:
            """See `Call`."""

    def __init__(self, settings: CampaignSettings) -> None:
        super().__init__(settings)
        self._audible = False  # what was heard said what became of it
        self._ends_as = Outcome.ANSWERED  # what it is if it ended now
        self._pressed = False  # a key: no machine does
        self._noted = 0  # sounds in its history
        self._beep_until_ns = 0  # a verdict until then finds the greeting over
        self.answerer: Answerer | None = None
        self.verdict_ms = 0  # after the answer
        self.verdict_sure = 0.0
        self.revised: Answerer | None = None  # a later verdict that was another
        self.revised_ms = 0

    @property
    def out(self) -> list[AnyEffect]:
        """Where its effects go."""
        return self._out

    def detection(self) -> Detection | None:
        """How it is to be found out who answers; None: it is not."""
        return self._settings.detection if listens(self._settings) else None

    # -- the table's actions ---------------------------------------------------------------------

    def _verdict(self, event: Verdict, now_ns: int) -> None:
        self.record(EventKind.VERDICT, f"{event.who} {event.confidence:.2f}", now_ns)
        at_ms = max(0, self._ms(now_ns - event.late_ns) - self.answered_ms)
        if self.answerer is None:
            self.answerer, self.verdict_sure, self.verdict_ms = event.who, event.confidence, at_ms
        elif event.who is not (self.revised or self.answerer) and event.who is not Answerer.UNKNOWN:
            self.revised, self.revised_ms = event.who, at_ms
        self.verdict(Answerer.HUMAN if self._pressed else event.who, now_ns)
        if now_ns < self._beep_until_ns:
            self.greeting_over(now_ns)
        self._set_deadline()

    def _sound_early(self, event: Sound, now_ns: int) -> None:
        """Before the answer."""
        self._note(event, now_ns)
        if event.outcome is not None:
            self._audible = True
            self._release(event.outcome, now_ns)

    def _sound_up(self, event: Sound, now_ns: int) -> None:
        self._note(event, now_ns)
        if event.kind in ENDS:
            self._beep_until_ns = now_ns + _BEEP_NS
            self.greeting_over(now_ns, guessed=event.kind != "beep")
        elif event.outcome is Outcome.MACHINE:
            self.no_person(now_ns)
        elif event.outcome is not None:
            self.nobody_there(now_ns, only_sign=event.only_sign)
        self._set_deadline()

    def _note(self, event: Sound, now_ns: int) -> None:
        if self._noted >= SOUNDS_MAX:
            self.dropped += 1
            return
        self._noted += 1
        said = f"{event.kind} {event.value}".rstrip()
        self.record(EventKind.HEARD, f"{said} {event.confidence:.2f}", now_ns)

    # -- a broadcast; `AgentCall` does otherwise -------------------------------------------------

    def verdict(self, who: Answerer, now_ns: int) -> None:
        """Who answered."""
        side = self._flow
        if isinstance(side, FlowRun):
            if who is Answerer.UNKNOWN and self._manners().verdict_s:
                return  # the doubt was over when the flow began
            side = Greeted(self, self._manners(), plays=True)
        if isinstance(side, Greeted):
            side.verdict(who, now_ns)

    def no_person(self, now_ns: int) -> None:
        """Nobody is there to talk to, nor to leave a message for."""
        self.mark_machine()
        self._release(Outcome.MACHINE, now_ns)

    def nobody_there(self, now_ns: int, *, only_sign: bool) -> None:
        """A tone says that the far end is gone; of a person it alone does not end the call."""
        if only_sign or not (self._pressed or self.answerer is Answerer.HUMAN):
            self._release(Outcome.ANSWERED, now_ns)

    def greeting_over(self, now_ns: int, *, guessed: bool = False) -> None:
        """The machine records from here on; `guessed`: as silence tells, and no beep."""
        if isinstance(self._flow, Greeted):
            self._flow.beep(now_ns, guessed=guessed)

    def mark_machine(self) -> None:
        """If it ended now, a machine had answered."""
        self._ends_as = Outcome.MACHINE

    def mark_unheard(self) -> None:
        """Hung up on before anything was said: it may have been a person."""
        self._ends_as = Outcome.ABANDONED

    # -- what `Greeted` asks ---------------------------------------------------------------------

    def take_back(self, side: Greeted) -> None:
        """The flow is not for it."""
        if self._flow is not side:
            self._out.append(StopPlay(self.claim.attempt_id, self.leg))
            self._flow = side

    def begin_flow(self, now_ns: int) -> None:
        """It is a person, as far as is known."""
        self._flow = self._run()
        self._flow.start(now_ns)

    def machine_over(self, now_ns: int) -> None:
        """Nothing is left to say: hang up."""
        self._release(Outcome.MACHINE, now_ns)

    def _manners(self) -> Manners:
        return manners(self._settings)

    def _run(self) -> FlowRun:
        assert self._plan is not None  # noqa: S101 - a broadcast has one
        return FlowRun(self._plan, self, self.claim.fields)  # type: ignore[arg-type]  # `Call` is

    def _first(self) -> FlowRun | Greeted:
        """What an answered call of a broadcast begins with."""
        if listens(self._settings):
            wanted = self._manners()
            if wanted.verdict_s:
                return Greeted(self, wanted, plays=False)
        return self._run()
