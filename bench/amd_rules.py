"""Others' rules for who answered, written anew from what is documented of them.

`asterisk` is `fastpath.amd_classic` with AMD()'s defaults, `vicidial` with the set that it ships.
The module for FreeSWITCH (mod_amd) uses the same names but differs in two things: its words are
counted to the maximum, not above it, and its greeting is one unbroken run of voice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from bench.answer_lines import Samples
from dialerd.detect.audio import REVISE_MS
from dialerd.detect.model import load_model
from fastpath.amd import AnswerDetector, Verdict
from fastpath.amd_classic import DEFAULTS, ClassicDetector

VICIDIAL: Final = {
    "initial_silence": 2000, "greeting": 2000, "after_greeting_silence": 1000,
    "minimum_word_length": 120, "maximum_number_of_words": 4,
}  # fmt: skip


def magnitudes(samples: Samples) -> list[int]:
    """The mean magnitude of each frame."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(np.int64)
    return [int(one) for one in np.abs(frames).mean(axis=1)]


def freeswitch(samples: Samples) -> Verdict:
    """mod_amd with its defaults, which are those of Asterisk."""
    rule = DEFAULTS
    silence = voice = words = 0
    in_initial, in_greeting, in_word = True, False, False
    for number, mean in enumerate(magnitudes(samples), 1):
        at = 20 * number
        if mean < rule["silence_threshold"]:
            silence += 20
            if silence >= rule["between_words_silence"]:
                in_word, voice = False, 0
            if in_initial and silence >= rule["initial_silence"]:
                return Verdict("machine", at, None, 1.0, "initial silence")
            if in_greeting and silence >= rule["after_greeting_silence"]:
                return Verdict("human", at, None, 1.0, "silence after greeting")
        else:
            silence = 0
            voice += 20
            if voice >= rule["minimum_word_length"] and not in_word:
                in_word, in_initial, in_greeting = True, False, True
                words += 1
            if words > rule["maximum_number_of_words"]:  # the third word
                return Verdict("machine", at, None, 1.0, "words")
            if in_greeting and voice >= rule["greeting"]:
                return Verdict("machine", at, None, 1.0, "long greeting")
        if at >= rule["total_analysis_time"]:
            return Verdict("unknown", at, None, 0.0, "too long")
    return Verdict("unknown", 20 * (len(samples) // 160), None, 0.0, "too long")


def asterisk(samples: Samples) -> Verdict:
    """AMD() with its defaults."""
    detector = ClassicDetector()
    return detector.hear(samples) or detector.end()


def vicidial(samples: Samples) -> Verdict:
    """AMD() as VICIdial sets it."""
    detector = ClassicDetector(**VICIDIAL)
    return detector.hear(samples) or detector.end()


def first(samples: Samples) -> Verdict:
    """The model that comes with dialerd: its first verdict, which a call with an agent acts on."""
    detector = AnswerDetector(load_model())
    return detector.hear(samples) or detector.end()


def ours(samples: Samples) -> Verdict:
    """The verdict of `dialerd detect`: the first, or the second that took it back."""
    detector = AnswerDetector(load_model(), revise_ms=REVISE_MS)
    return detector.hear(samples) or detector.end()


RULES: Final[dict[str, Callable[[Samples], Verdict]]] = {
    "dialerd": ours,
    "dialerd, first": first,
    "Asterisk AMD()": asterisk,
    "VICIdial's set": vicidial,
    "FreeSWITCH mod_amd": freeswitch,
}
