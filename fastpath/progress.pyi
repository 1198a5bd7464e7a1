"""What one side of one call says, heard in one pass. Audio is 16-bit PCM at 8 kHz."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, final

from typing_extensions import Buffer

from fastpath.amd import Verdict
from fastpath.amd_forest import Model
from fastpath.prints_bank import PrintBank
from fastpath.tones_book import ToneBook

FRAME: Final = 160
KINDS: Final[tuple[str, ...]]
QUIET_MS_MAX: Final = 60_000

class Heard(NamedTuple):
    """Something heard; times are of the audio from its first sample on.

    answer: human, machine or unknown, and why; a second one is of a machine taken for a person.
    dtmf: a key, once it is up. silence: a machine has said its say. announcement: its label. Tones
    by their names of the plan, sit and fax by their form.
    """

    kind: str  # one of KINDS
    value: str
    at_ms: int
    until_ms: int
    confidence: float
    why: str

@final
class Attention:
    """What is listened for: made once, shared by all calls of a campaign and trunk."""

    model: Final[Model | Mapping[str, int] | None]
    book: Final[ToneBook | None]
    bank: Final[PrintBank | None]
    labels: Final[tuple[str, ...]]

    def __new__(
        cls,
        model: Model | Mapping[str, int] | None = None,
        *,
        book: ToneBook | None = None,
        bank: PrintBank | None = None,
        labels: Sequence[str] = (),
        quiet_ms: int = 0,
        tones_ms: int = 0,
        revise_ms: int = 0,
    ) -> Attention:
        """`model` tells who answered: trees, or parameters of the classic rule (may be empty).

        `book`: tones, before the answer and for `tones_ms` after it (0: to the end). `bank`:
        carrier announcements, before the answer; `labels` are what its recordings are called.
        `quiet_ms`: so much silence behind a machine's greeting is told; 0: it is not. `revise_ms`:
        who was taken for a person by a model is heard on until so long after the first voice, and a
        second verdict tells a machine that talks on (why: "revised"); 0: there is none.

        ValueError: a parameter that the classic rule has not, or anything out of bounds.
        """

    def words(self, kind: int, value: int, detail: int) -> tuple[str, str]:
        """What a sound is called, and why it is one: numbers as in `fastpath.rtp.SoundHeard`."""

@final
class CallProgress:
    """Hears one side of one call, from its answer on or from before."""

    attention: Final[Attention]

    def __new__(
        cls, attention: Attention, *, answered: bool = True, keys: bool = True
    ) -> CallProgress: ...
    def answered(self) -> None:
        """Early media is over: from here on it is who answered."""

    def hear(self, samples: Buffer) -> list[Heard]:
        """Hear samples (int16) that follow on those before."""

    def gap(self, samples: int) -> list[Heard]:
        """So many samples were lost. ValueError: less than 0."""

    def silence(self, samples: int) -> list[Heard]:
        """So many samples were never sent. ValueError: less than 0."""

    def end(self) -> list[Heard]:
        """No more audio comes: a verdict that was due is "unknown", with the reason."""

    def verdict(self) -> Verdict | None:
        """Who answered, as far as it is known; times from the first sample on."""

    def first_verdict(self) -> Verdict | None:
        """The one that was revised; None: none was."""

    def settle(self) -> None:
        """We talk to each other: there is no second verdict any more."""

    @property
    def done(self) -> bool:
        """Whether nothing can be found any more."""
