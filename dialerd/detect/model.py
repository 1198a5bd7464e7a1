"""The model of who answered, read from its file: `conf/amd/model.toml` comes with dialerd.

A file is readable: each tree is a list of questions such as "silence > 240" in the order in which
its nodes are numbered (the children of node i are 2i+1 for no, 2i+2 for yes; "-" asks nothing), and
the log-odds of a machine in its leaves. `python -m bench.amd_train` writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from dialerd.toml_load import Fault, read
from fastpath.amd_forest import (
    FEATURE_NAMES,
    LEAVES,
    NODES,
    POLICY_MS_MAX,
    TREES_MAX,
    VOICES_MAX,
    Model,
)

DEFAULT: Final = Path(__file__).resolve().parents[2] / "conf" / "amd" / "model.toml"
NOTHING: Final = "-"
NEVER: Final = 1e9  # no feature is more

_QUESTION = re.compile(r"([a-z_]+) > (-?\d{1,6}(?:\.\d{1,4})?)")

Odds = Annotated[float, Meta(ge=-1e6, le=1e6)]  # neither infinite nor no number
Milliseconds = Annotated[int, Meta(ge=0, le=POLICY_MS_MAX)]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the log-odds of a machine are good for, and when."""

    human_below: Odds
    human_below_late: Odds
    machine_above: Odds
    human_after_ms: Milliseconds
    machine_after_ms: Milliseconds
    silence_min_ms: Milliseconds
    word_ms: Milliseconds
    word_by_ms: Milliseconds
    word_wait_ms: Milliseconds
    office_min_ms: Milliseconds
    office_wait_ms: Milliseconds
    analysis_ms: Milliseconds
    initial_silence_ms: Milliseconds
    revise_span_ms: Milliseconds = 3_000
    revise_pause_ms: Milliseconds = 800
    revise_voice_ms: Milliseconds = 1_700
    revise_late_pause_ms: Milliseconds = 1_300
    revise_late_voice_ms: Milliseconds = 2_600
    voice_above: Odds = -2.1
    voice_again: Odds = 0.0


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tree as written."""

    ask: Annotated[list[str], Meta(min_length=NODES, max_length=NODES)]
    leaf: Annotated[list[Odds], Meta(min_length=LEAVES, max_length=LEAVES)]


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The trees that tell a voice from other sounds: log-odds of a voice."""

    bias: Odds
    tree: Annotated[list[Tree], Meta(min_length=1, max_length=VOICES_MAX)]


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    bias: Odds
    policy: Policy
    tree: Annotated[list[Tree], Meta(min_length=1, max_length=TREES_MAX)]
    voice: Voice | None = None
    """None: whatever stands out of the noise is a voice."""
    made_by: str = ""
    made_for: str = ""
    """What the detectors made of a known sound when the trees were trained."""


def question(text: str) -> tuple[str, float] | None:
    """A question's feature and bound; None: it is none."""
    if text == NOTHING:
        return FEATURE_NAMES[0], NEVER
    found = _QUESTION.fullmatch(text)
    if found is None or found[1] not in FEATURE_NAMES:
        return None
    return found[1], float(found[2])


def _faults(file: ModelFile) -> Iterator[Fault]:
    odds = file.policy
    if not odds.human_below <= odds.human_below_late < odds.machine_above:
        yield Fault(
            ("policy", "human_below"), "human_below <= human_below_late < machine_above must hold"
        )
    yield from _no_questions(("tree",), file.tree)
    if file.voice is not None:
        yield from _no_questions(("voice", "tree"), file.voice.tree)


def _no_questions(where: tuple[str, ...], trees: list[Tree]) -> Iterator[Fault]:
    for number, tree in enumerate(trees):
        for place, text in enumerate(tree.ask):
            if question(text) is None:
                yield Fault(
                    (*where, number, "ask", place),
                    f"{text!r} is no question; write one like 'silence > 240', or '-'",
                )


def _laid_out(trees: list[Tree]) -> list[tuple[list[tuple[str, float]], list[float]]]:
    return [
        ([question(text) or (FEATURE_NAMES[0], NEVER) for text in t.ask], t.leaf) for t in trees
    ]


@lru_cache(maxsize=8)
def load_model(path: Path = DEFAULT) -> Model:
    """The model of a file; TomlError names every fault with its place."""
    file = read(path, ModelFile, rules=_faults)
    policy = msgspec.structs.asdict(file.policy)
    voice = _laid_out(file.voice.tree) if file.voice is not None else []
    return Model(
        _laid_out(file.tree), file.bias, policy,
        voice=voice, voice_bias=file.voice.bias if file.voice is not None else 0.0,
    )  # fmt: skip
