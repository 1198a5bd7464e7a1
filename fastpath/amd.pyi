"""Who answered: a person or a machine. Audio is 16-bit PCM at 8 kHz."""

from typing import Final, Literal, NamedTuple, final

from typing_extensions import Buffer

from fastpath.amd_forest import Model

ANSWERS: Final[tuple[str | None, ...]]
REASONS: Final[tuple[str, ...]]
EVERY: Final = 2

class Verdict(NamedTuple):
    """Who answered; times are of the audio from its first sample on."""

    answer: Literal["human", "machine", "unknown"]
    at_ms: int
    first_ms: int | None
    confidence: float
    reason: str

@final
class AnswerDetector:
    """Hears one side of one call from its answer on, until it knows who answered."""

    def __new__(cls, model: Model, *, revise_ms: int = 0) -> AnswerDetector:
        """`revise_ms`: who was taken for a person is heard on, until so long after the first voice.

        ValueError: more than POLICY_MS_MAX.
        """

    def hear(self, samples: Buffer) -> Verdict | None:
        """Hear samples (int16) that follow on those before; what is less than a frame is left out.

        The verdict once it is known; from then on nothing is heard any more, but of a person until
        `revise_ms`: a machine with the reason "revised" is a second verdict.
        """

    def gap(self, frames: int) -> Verdict | None:
        """So many frames never arrived; the verdict once it is known. ValueError: less than 0."""

    def end(self) -> Verdict:
        """No more audio comes: the verdict, "unknown" with the reason when there is none yet."""

    def verdict(self) -> Verdict | None:
        """The verdict so far."""

    def first_verdict(self) -> Verdict | None:
        """The one that was revised; None: none was."""

def features(samples: Buffer, *, forget: bool = False) -> list[tuple[int, list[float]]]:
    """Every look that a detector takes: (frames heard, values in the order of FEATURE_NAMES).

    `forget`: whatever is over is forgotten, as a detector does that takes it for no voice.
    """
