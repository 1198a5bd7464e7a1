"""The model of who answered: trees, and what their odds are good for."""

from collections.abc import Mapping, Sequence
from typing import Final, final

FEATURE_NAMES: Final[tuple[str, ...]]
"""What a model may ask: milliseconds (silence, run, voiced, first_phrase, phrase, longest_phrase,
longest_pause, pauses, span, tonal, last_syllable; pitched, streak: with a pitch, and in a row), dB
(snr, fall, spread, swing, rise), counts (words,
phrases, syllables), syllables a second (pace), and how much of the voice is hiss,
how alike periods are and how far the pitch glides from frame to frame (0 to 1)."""
POLICY_NAMES: Final[tuple[str, ...]]
POLICY_MS_MAX: Final = 60_000
TREES_MAX: Final = 128
VOICES_MAX: Final = 128
NODES: Final = 15
LEAVES: Final = 16
FRAME_MS: Final = 20

@final
class Model:
    """The trees and how their odds are used, laid out for the detector."""

    def __new__(
        cls,
        trees: Sequence[tuple[Sequence[tuple[str, float]], Sequence[float]]],
        bias: float,
        policy: Mapping[str, float],
        *,
        voice: Sequence[tuple[Sequence[tuple[str, float]], Sequence[float]]] = (),
        voice_bias: float = 0.0,
    ) -> Model:
        """Each tree: NODES questions (feature, more than this) from its root on, then LEAVES.

        Node i leads to 2i+1 when the answer is no and to 2i+2 when it is yes. `policy` has the keys
        of POLICY_NAMES. Trees `voice` tell a voice from other sounds; without them all is voice.

        ValueError: a feature that does not exist, another number of nodes, a policy out of bounds.
        """

    def odds(self, values: Sequence[float]) -> float:
        """The log-odds of a machine for the features in the order of FEATURE_NAMES."""
