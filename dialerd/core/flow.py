"""Broadcast flows: running one in an answered call. What is refused before: `flow_checks`.

    | state        | key                | prompt ended    | time           | from the call        |
    |--------------|--------------------|-----------------|----------------|----------------------|
    | playing      | next step, or kept | the step's deed |                | ordered: transfer    |
    | waiting      | next step          |                 | `otherwise`    | the same             |
    | gathering    | one more, or done  |                 | again, or done | the same             |
    | taping       | done               |                 | done           | the same             |
    | transferring |                    |                 | `otherwise`    | talking, `otherwise` |
    | talking      |                    |                 |                | parted: `then`       |
    | over         |                    |                 |                |                      |

A step plays its prompt, if it has one, and then waits for a key that leads on, or does its deed
(`dialerd.core.flow_records`). A key that the step knows cuts its prompt (barge-in) unless the step
forbids that; the history says how long it was heard. Where barge-in is forbidden, and when the step
takes no keys, the key is kept for later: an early key answers the next question. A key that the
step does not know changes nothing. A chain of keys may loop, so visits are counted and the call
ends at `VISITS_MAX`.

**Transfers.** The flow asks its call to connect the person (`FlowSink.transfer`) and waits at most
the step's `ring_s_max`. The call answers with exactly one of `connected` (from then on the flow
does nothing: keys are the others' business) and `failed`. When the other side has left and the
person is still there, the call says `parted` and the flow goes on at `then`. Where the flow's own
time is over first, it says `transfer_end`, and whatever comes after that means nothing.

**Fields.** A person's columns, and what the flow sets in this call, which comes first. What it sets
is kept with the attempt (`FlowSink.keep_field`); of a `secret`, and of what was made of one, only
as many x as it is long. Keys of a secret are hidden before they are written anywhere (`hides`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from dialerd.core.chain import fields_of, filled_or_empty
from dialerd.core.clock import NEVER
from dialerd.core.deeds import holds
from dialerd.core.flow_plan import OUT, FlowPlan, FlowSink
from dialerd.core.flow_records import (
    Assign,
    Choose,
    Close,
    Forbid,
    Gather,
    Promise,
    Tape,
    Transfer,
)
from dialerd.core.limits import FIELD_VALUE_CHARS_MAX, KEYS_EARLY_MAX, TRANSFERS_MAX, VISITS_MAX
from dialerd.core.records import EventKind

_STAY: Final = -2  # the step goes on
_MS: Final = 1_000_000
_SECOND: Final = 1_000_000_000
HIDDEN: Final = "x"  # a key that is kept nowhere


class FlowState(IntEnum):
    """Where a flow stands."""

    IDLE = 0
    PLAYING = 1
    WAITING = 2
    OVER = 3
    GATHERING = 4
    TAPING = 5
    TRANSFERRING = 6
    TALKING = 7


IDLE, PLAYING, WAITING, OVER, GATHERING, TAPING, TRANSFERRING, TALKING = FlowState

_NEXT: Final = (PLAYING, GATHERING, TAPING, TRANSFERRING, OVER)  # where a step may begin
# (state, what happens) -> the states it may lead to. Anything not in it is ignored: it came too
# early, too late, or twice.
MOVES: Final[dict[tuple[FlowState, str], tuple[FlowState, ...]]] = {
    (IDLE, "start"): _NEXT,
    (PLAYING, "key"): _NEXT,
    (PLAYING, "played"): (WAITING, *_NEXT),
    (WAITING, "key"): (WAITING, *_NEXT),
    (WAITING, "time"): _NEXT,
    (GATHERING, "key"): _NEXT,
    (GATHERING, "time"): _NEXT,
    (TAPING, "key"): _NEXT,
    (TAPING, "time"): _NEXT,
    (TRANSFERRING, "connected"): (TALKING,),
    (TRANSFERRING, "failed"): _NEXT,
    (TRANSFERRING, "time"): _NEXT,
    (TALKING, "parted"): _NEXT,
    **{(at, "ordered"): _NEXT for at in (PLAYING, WAITING, GATHERING, TAPING)},
}


class FlowRun:
    """One flow in one call."""

    __slots__ = (
        "_been", "_began_ns", "_early", "_fields", "_gathered", "_hidden", "_plan", "_sink",
        "_step", "_token", "_transfers", "_tries", "_visits", "deadline_ns", "state",
    )  # fmt: skip

    def __init__(
        self, plan: FlowPlan, sink: FlowSink, fields: Mapping[str, str] | None = None
    ) -> None:
        """`start` begins it; `fields` are the contact's."""
        self._fields: Mapping[str, str] = fields or {}
        self._hidden: frozenset[str] = frozenset()  # fields with secrets
        self._began_ns = 0
        self._plan = plan
        self._sink = sink
        self._step = 0
        self._token = 0
        self._visits = 0
        self._transfers = 0
        self._been: dict[int, int] = {}  # how often, of steps that may be gone into so often
        self._early = ""
        self._gathered = ""
        self._tries = 0
        self.state = IDLE
        self.deadline_ns = NEVER

    def start(self, now_ns: int) -> None:
        """Enter the first step."""
        if (self.state, "start") in MOVES:
            if self._plan.name:
                self._sink.record(EventKind.FLOW, self._plan.name, now_ns)
            self._go(0, now_ns)

    def hides(self, key: str) -> bool:
        """Whether a key that is pressed now is, or may become, a secret's."""
        step = self._plan.steps[self._step]
        if self.state not in (PLAYING, GATHERING):
            return False
        if isinstance(step.does, Gather) and step.does.secret:
            return True
        used = step.barge_in and (key in step.keys or isinstance(step.does, Gather))
        return self._plan.secret and self.state is PLAYING and not used

    def key(self, key: str, now_ns: int) -> None:
        """A key was pressed; its history line is the caller's."""
        if (self.state, "key") not in MOVES:
            return
        step, deed = self._plan.steps[self._step], self._plan.steps[self._step].does
        if self.state is GATHERING:
            self._go(self._gather(key, now_ns), now_ns)
        elif self.state is TAPING:
            if isinstance(deed, Tape) and key == deed.stop_key:
                self._go(self._taped(now_ns), now_ns)
        elif self.state is WAITING:
            if (target := self._plan.keys[self._step].get(key)) is not None:
                self._go(target, now_ns)
        elif step.barge_in and (key in step.keys or isinstance(deed, Gather)):
            heard_ms = (now_ns - self._began_ns) // _MS
            cut = f"{self._plan.chains[self._step].label}: {heard_ms} ms"
            self._sink.record(EventKind.PROMPT_CUT, cut, now_ns)
            self._sink.stop_play()
            if deed is None:
                self._go(self._plan.keys[self._step][key], now_ns)
            else:
                self._early += key
                self._go(self._do(now_ns), now_ns)
        elif (not step.keys or not step.barge_in) and len(self._early) < KEYS_EARLY_MAX:
            self._early += key

    def played(self, token: int, now_ns: int) -> None:
        """A prompt ran to its end; an old token is of one that was cut."""
        if (self.state, "played") not in MOVES or token != self._token:
            return
        step = self._plan.steps[self._step]
        label = self._plan.chains[self._step].label
        self._sink.record(EventKind.PROMPT_ENDED, label, now_ns)
        if step.does is not None:
            self._go(self._do(now_ns), now_ns)
            return
        target = self._early_target() if step.keys else self._plan.otherwise[self._step]
        if target is not None:
            self._go(target, now_ns)
        else:
            self.state = WAITING
            self.deadline_ns = now_ns + step.wait_ms * _MS
            if not step.wait_ms:
                self.tick(now_ns)

    def tick(self, now_ns: int) -> None:
        """What it waited for has not come."""
        if (self.state, "time") not in MOVES or now_ns < self.deadline_ns:
            return
        if self.state is GATHERING:
            self._go(self._gathered_all(now_ns), now_ns)
        elif self.state is TAPING:
            self._go(self._taped(now_ns), now_ns)
        elif self.state is TRANSFERRING:
            self._sink.transfer_end(now_ns)
            self.failed("nobody took it in time", now_ns)
        else:
            self._sink.record(EventKind.NO_KEY, "", now_ns)
            self._go(self._plan.otherwise[self._step], now_ns)

    def divert(self, deed: Transfer, now_ns: int) -> None:
        """A person's order in the middle of a step: it is a transfer from here on."""
        if (self.state, "ordered") in MOVES:
            self._token += 1  # what plays now leads nowhere any more
            if self.state is TAPING:
                self._sink.tape_end()
            self._sink.stop_play()
            self._transfer(deed, now_ns)

    def connected(self, now_ns: int) -> None:
        """They hear each other."""
        if (self.state, "connected") in MOVES:
            self.state = TALKING
            self.deadline_ns = NEVER
            self._sink.record(EventKind.TRANSFERRED, "", now_ns)

    def failed(self, why: str, now_ns: int) -> None:
        """Nobody takes the call."""
        if (self.state, "failed") in MOVES:
            self._sink.record(EventKind.TRANSFER_FAILED, why, now_ns)
            self._go(self._plan.otherwise[self._step], now_ns)

    def parted(self, now_ns: int) -> None:
        """The other side has left, and the person is still there."""
        if (self.state, "parted") in MOVES:
            self._sink.record(EventKind.PARTED, "", now_ns)
            self._go(self._plan.then[self._step], now_ns)

    def _go(self, index: int, now_ns: int) -> None:
        """Begin a step; keys pressed early, and steps without a prompt, lead straight through."""
        if index == _STAY:
            return
        self.deadline_ns = NEVER
        plan = self._plan
        while index >= 0:
            self._visits += 1
            if self._visits > VISITS_MAX:
                index = OUT
                break
            step = plan.steps[index]
            if step.visits_max and self._worn(index, step.visits_max):
                index = plan.after[index]
                continue
            self._step = index
            self._tries = 0
            early = self._early and step.barge_in
            if early and plan.keys[index]:
                target = self._early_target()
                if target is None:
                    break
                index = target
            elif plan.chains[index].silent or (early and isinstance(step.does, Gather)):
                index = self._do(now_ns)
            else:
                break
        if index == OUT:
            self.state = OVER
            self._sink.flow_over(now_ns)
        elif index != _STAY:
            self._play((), now_ns)

    def _worn(self, index: int, visits_max: int) -> bool:
        self._been[index] = been = self._been.get(index, 0) + 1
        return been > visits_max

    def _play(self, first: tuple[str, ...], now_ns: int) -> None:
        """The prompts of the present step, behind others."""
        self.state = PLAYING
        self._token += 1
        chain = self._plan.chains[self._step]
        prompts, unsaid = chain.prompts(self._fields, self._hidden)
        self._sink.record(EventKind.PROMPT_STARTED, chain.label, now_ns)
        for text in unsaid:
            self._sink.record(EventKind.UNSAID, text, now_ns)
        self._began_ns = now_ns
        self._sink.play((*first, *prompts), self._token)

    def _early_target(self) -> int | None:
        """Where the first early key that this step knows leads; keys before it are spent."""
        keys = self._plan.keys[self._step]
        while self._early:
            key, self._early = self._early[0], self._early[1:]
            if key in keys:
                return keys[key]
        return None

    # -- deeds: each gives the next step, or _STAY -----------------------------------------------

    def _do(self, now_ns: int) -> int:
        """What the present step does behind its prompt."""
        plan, sink, at = self._plan, self._sink, self._step
        deed = plan.steps[at].does
        match deed:
            case Gather():
                return self._begin_gather(deed, now_ns)
            case Choose():
                return self._choose(deed, now_ns)
            case Assign():
                value = filled_or_empty(deed.value, self._fields)
                hidden = not self._hidden.isdisjoint(fields_of(deed.value))
                self._set(deed.field, value, now_ns, hidden=hidden)
            case Tape():
                self.state = TAPING
                self.deadline_ns = now_ns + deed.seconds_max * _SECOND
                sink.record(EventKind.TAPING, plan.steps[at].step_id, now_ns)
                sink.tape(plan.steps[at].step_id)
                return _STAY
            case Forbid():
                sink.forbid(deed, now_ns)
            case Promise():
                if not sink.promise(deed, self._fields, now_ns):
                    return plan.otherwise[at]
            case Transfer():
                if self._transfers >= TRANSFERS_MAX:
                    why = f"{TRANSFERS_MAX} were tried in this call"
                    sink.record(EventKind.TRANSFER_FAILED, why, now_ns)
                    return plan.otherwise[at]
                self._transfers += 1
                self._transfer(deed, now_ns)
                return _STAY
            case Close():
                sink.record(EventKind.RESULT, deed.result, now_ns)
                sink.close(deed.result)
                return OUT
            case None:
                raise AssertionError("a step that only plays")
        return plan.then[at]

    def _begin_gather(self, deed: Gather, now_ns: int) -> int:
        self.state = GATHERING
        self._gathered = ""
        self.deadline_ns = now_ns + deed.first_ms * _MS
        to = _STAY
        while to == _STAY and self._early and self.state is GATHERING:
            key, self._early = self._early[0], self._early[1:]
            to = self._gather(key, now_ns)
        return to

    def _gather(self, key: str, now_ns: int) -> int:
        deed = self._plan.steps[self._step].does
        assert isinstance(deed, Gather)  # noqa: S101 - what the state says
        if key != deed.end_key:
            self._gathered += key
            if len(self._gathered) < deed.keys_max:
                self.deadline_ns = now_ns + deed.next_ms * _MS
                return _STAY
        return self._gathered_all(now_ns)

    def _gathered_all(self, now_ns: int) -> int:
        """No key follows: the field, or another try."""
        step = self._plan.steps[self._step]
        deed = step.does
        assert isinstance(deed, Gather)  # noqa: S101 - what the state says
        self.deadline_ns = NEVER
        if len(self._gathered) >= deed.keys_min:
            self._set(deed.field, self._gathered, now_ns, hidden=deed.secret)
            return self._plan.then[self._step]
        self._tries += 1
        self._sink.record(EventKind.NO_KEY, f"try {self._tries} of {deed.tries}", now_ns)
        if self._tries >= deed.tries:
            return self._plan.otherwise[self._step]
        if self._plan.chains[self._step].silent and not deed.again:
            return self._begin_gather(deed, now_ns)
        self._play((deed.again,) if deed.again else (), now_ns)
        return _STAY

    def _choose(self, deed: Choose, now_ns: int) -> int:
        value = self._fields.get(deed.field, "")
        step = self._plan.steps[self._step]
        to, target = step.otherwise, self._plan.otherwise[self._step]
        for case, leads_to in zip(deed.cases, self._plan.cases[self._step], strict=True):
            if holds(case, value):
                to, target = case.to, leads_to
                break
        self._sink.record(EventKind.CHOSE, f"{deed.field}: {to}", now_ns)
        return target

    def _taped(self, now_ns: int) -> int:
        self._sink.tape_end()
        self._sink.record(EventKind.TAPED, self._plan.steps[self._step].step_id, now_ns)
        return self._plan.then[self._step]

    def _transfer(self, deed: Transfer, now_ns: int) -> None:
        """The call may answer at once, before this returns."""
        target = filled_or_empty(deed.target, self._fields)
        self.state = TRANSFERRING
        self.deadline_ns = now_ns + deed.ring_s_max * _SECOND
        hidden = not self._hidden.isdisjoint(fields_of(deed.target))
        shown = HIDDEN * len(target) if hidden else target
        self._sink.record(EventKind.TRANSFER, f"{deed.kind} {shown}", now_ns)
        self._sink.transfer(deed, target, now_ns)

    def _set(self, field: str, value: str, now_ns: int, *, hidden: bool) -> None:
        value = value[:FIELD_VALUE_CHARS_MAX]
        self._fields = {**self._fields, field: value}
        self._hidden = self._hidden | {field} if hidden else self._hidden - {field}
        shown = HIDDEN * len(value) if hidden else value
        self._sink.record(EventKind.FIELD, f"{field} = {shown}", now_ns)
        self._sink.keep_field(field, shown)
