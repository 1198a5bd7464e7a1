"""What a step plays: prompts and values that are said, with a contact's fields filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from dialerd.core.flow_records import Deed, Gather, Tape, Transfer
from dialerd.core.limits import (
    CHAIN_MAX,
    FIELD_VALUE_CHARS_MAX,
    PARTS_MAX,
    PAUSE_MS_MAX,
    PLAYS_MAX,
    PROMPT_CHARS_MAX,
    SILENCE_MS,
    VALUE_CHARS_MAX,
)
from dialerd.core.records import CampaignSettings, Flow, FlowStep, Part
from dialerd.core.spoken import (
    PAUSE,
    WORDS_FOLDER,
    Currency,
    Lang,
    Region,
    SayKind,
    UnsayableError,
    vocabulary,
    words,
)

_FIELD: Final = re.compile(r"\{([^{}]{1,64})\}")
SILENCE: Final = f"{Lang.VI}/{WORDS_FOLDER}/{PAUSE}"
BEEP: Final = "music/beep"
"""The prompt before an answer that is recorded."""


class Chain:
    """One step's, shared by all calls of a campaign."""

    __slots__ = ("_parts", "_pause", "_plays", "_tail", "label", "silent")

    def __init__(self, step: FlowStep) -> None:
        """Of a step without faults."""
        self.label = label(step)
        self._parts = _parts(step)
        self._tail = (BEEP,) if isinstance(step.does, Tape) and step.does.beep else ()
        self.silent = not self._parts and not self._tail
        self._plays = step.plays
        self._pause = (SILENCE,) * (step.pause_ms // SILENCE_MS)

    def prompts(
        self, fields: Mapping[str, str], hidden: frozenset[str] = frozenset()
    ) -> tuple[tuple[str, ...], list[str]]:
        """Names in order, never none; and what had to be left out, with the reason.

        A reason may repeat the value: of `hidden` fields there is none.
        """
        once: list[str] = []
        unsaid: list[str] = []
        for part in self._parts:
            if part.prompt:
                once.append(part.prompt)
                continue
            try:
                once += _said(part, filled(part.value, fields))
            except UnsayableError as error:
                secret = not hidden.isdisjoint(fields_of(part.value))
                why = "a secret that cannot be said" if secret else error
                unsaid.append(f"{part.say} {part.value}: {why}")
        if len(once) > CHAIN_MAX:
            unsaid.append(f"more than {CHAIN_MAX} prompts in a chain")
        pause = self._pause
        plays = min(self._plays, (CHAIN_MAX + len(pause)) // max(1, len(once) + len(pause)))
        if not once:
            return self._tail or (SILENCE,), unsaid
        return (*once[:CHAIN_MAX], *(*pause, *once) * (plays - 1), *self._tail), unsaid


def _parts(step: FlowStep) -> tuple[Part, ...]:
    return step.parts or ((Part(step.prompt),) if step.prompt else ())


def label(step: FlowStep) -> str:
    """How a step's prompt is called in a call's history: never with a contact's values."""
    if step.prompt or not step.parts:
        return step.prompt or BEEP
    text = " + ".join(part.prompt or f"{part.say} {part.value}" for part in step.parts)
    return text if len(text) <= PROMPT_CHARS_MAX else text[: PROMPT_CHARS_MAX - 1] + "…"


def filled(text: str, fields: Mapping[str, str]) -> str:
    """A text with its fields' values; UnsayableError when a contact has none of that name."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in fields:
            raise UnsayableError(f"the contact has no {found[1]!r}")
        return fields[found[1]]

    return _FIELD.sub(value, text)


def filled_or_empty(text: str, fields: Mapping[str, str]) -> str:
    """The same, empty where a field is not there; cut to what a value may be long."""
    return _FIELD.sub(lambda found: fields.get(found[1], ""), text)[:FIELD_VALUE_CHARS_MAX]


def read_out(text: str, fields: Mapping[str, str]) -> str:
    """A script's text for an agent: a field that is not there stays as it is written."""
    return _FIELD.sub(lambda found: fields.get(found[1], found[0]), text)


def fields_of(text: str) -> list[str]:
    """Names of the fields in a text."""
    return _FIELD.findall(text)


def stray_braces(text: str) -> bool:
    """Whether a brace of a text belongs to no field."""
    return bool(re.search(r"[{}]", _FIELD.sub("", text)))


def prompts_of(flow: Flow) -> set[str]:
    """Names of all prompts that a flow may play, every word of a language that it speaks too."""
    found: set[str] = set()
    for step in flow.steps:
        if step.pause_ms:
            found.add(SILENCE)
        found |= prompts_done(step.does)
        for part in _parts(step):
            if part.prompt:
                found.add(part.prompt)
            else:
                found |= {*vocabulary(Lang(part.lang)), SILENCE}
    return found


def prompts_done(deed: Deed | None) -> set[str]:
    """What is played by what a step does."""
    match deed:
        case Gather(again=name) | Transfer(hold_prompt=name) if name:
            return {name}
        case Tape(beep=True):
            return {BEEP}
        case _:
            pass
    return set()


def campaign_prompts(settings: CampaignSettings) -> set[str]:
    """Names of all prompts that a campaign may play: its flows', and those around its agents."""
    agents = settings.agents
    around = {settings.abandoned_prompt, agents.left_prompt, agents.hold_prompt}
    returns = settings.returns
    around |= {
        agents.machine_prompt,
        settings.detection.machine_prompt,
        returns.hold_prompt,
        returns.sorry_prompt,
    }
    flows = (settings.flow, *(one.flow for one in settings.flows), returns.flow)
    return set().union(around - {""}, *map(prompts_of, flows))


def chain_faults(step: FlowStep) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Why a step's chain cannot be played: (place in the step, text)."""
    if not 1 <= step.plays <= PLAYS_MAX:
        yield ("plays",), f"must be 1 to {PLAYS_MAX}"
    if not 0 <= step.pause_ms <= PAUSE_MS_MAX or step.pause_ms % SILENCE_MS:
        yield ("pause_ms",), f"must be 0 to {PAUSE_MS_MAX}, a multiple of {SILENCE_MS}"
    if not step.parts:
        if not is_prompt_name(step.prompt):
            yield ("prompt",), "must be the name of a prompt"
        return
    if len(step.parts) > PARTS_MAX or step.prompt:
        yield ("chain",), f"must stand alone, without a prompt, and have at most {PARTS_MAX} parts"
    for index, part in enumerate(step.parts):
        for text in _part_faults(part):
            yield ("chain", index), text


def is_prompt_name(name: str) -> bool:
    """Whether a text may be a prompt's name."""
    return 1 <= len(name) <= PROMPT_CHARS_MAX and name.isprintable()


def _part_faults(part: Part) -> Iterator[str]:
    if not part.say:
        if not is_prompt_name(part.prompt):
            yield "must be the name of a prompt"
        return
    known = {"say": SayKind, "lang": Lang, "region": Region, "currency": Currency}
    for name, kind in known.items():
        if getattr(part, name) not in list(kind):
            yield f"{name} must be one of {', '.join(kind)}"
            return
    if len(part.value) > VALUE_CHARS_MAX or stray_braces(part.value):
        yield f"value must be at most {VALUE_CHARS_MAX} characters with {{fields}}"
    elif not fields_of(part.value):
        try:
            _said(part, part.value)
        except UnsayableError as error:
            yield str(error)


def _said(part: Part, value: str) -> list[str]:
    return words(
        SayKind(part.say),
        value,
        Lang(part.lang),
        region=Region(part.region),
        currency=Currency(part.currency),
    )
