"""The jitter buffer of one stream whose audio is decoded."""

from typing import final

from typing_extensions import Buffer

__pyx_capi__: dict[str, object]

COUNTS: tuple[str, ...]
KINDS: tuple[str, ...]
VERDICTS: tuple[str, ...]

@final
class RtpJitter:
    """A stream's jitter buffer as a mixer runs it, for tests. Nothing is heard yet."""

    def put(
        self,
        law: int,
        ssrc: int,
        timestamp: int,
        audio: Buffer,
        now_ns: int,
        marker: bool = False,
    ) -> str:
        """A packet of G.711 (law 0 or 8) or of comfort noise (13); what became of it.

        "kept", "late" (its time is over), "double" (heard already, or empty) or "strange" (its
        timestamp jumped; the next one is believed). ValueError for another law.
        """

    def take(self, now_ns: int) -> tuple[str, bytes]:
        """The next 160 samples, 16 bits each, and what they are; call it every 20 ms.

        "silence", "voice", or "concealed" when any sample was made up.
        """

    @property
    def target_ms(self) -> float:
        """The lateness it waits for at present, at most 200."""

    @property
    def waiting_ms(self) -> float:
        """The audio that waits, gaps included; at most 512."""

    def counts(self) -> dict[str, int]:
        """Since it was made.

        Packets: `packets` put in, `late`, `doubles`, `jumps` of their timestamps. Samples: `played`
        as they came, `concealed` (made up), `skipped` and `stretched` (said again) to keep time.
        """
