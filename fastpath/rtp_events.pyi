"""What the media threads tell."""

from typing import Literal, NamedTuple, TypeAlias

from fastpath.rtp_receive import DIGITS as DIGITS

SOURCES: tuple[str, ...]

class DigitHeard(NamedTuple):
    """A key, counted once whatever the network lost, repeated or reordered."""

    stream: int
    digit: str
    at_ns: int  # CLOCK_MONOTONIC, when it was pressed
    source: Literal["rfc4733", "inband"]

class PlayEnded(NamedTuple):
    """A prompt ran to its end; a stopped, replaced or looping one never does."""

    stream: int
    token: int

class DigitsSent(NamedTuple):
    """All digits of one `send_digits` left, the last gap included."""

    stream: int
    token: int

class DeviceGone(NamedTuple):
    """A modem's device disappeared; its stream says and hears nothing any more."""

    stream: int
    error: int  # errno

class PeerSilent(NamedTuple):
    """The peer sent no RTP for as long as `watch` allows, since `since_ns` (CLOCK_MONOTONIC)."""

    stream: int
    since_ns: int

class SoundHeard(NamedTuple):
    """What `listen` asked for was found; `progress.Attention.words` says what it is called.

    `answered`: heard after the answer, else in early media. `at_ns` is CLOCK_MONOTONIC, of the turn
    in which it was found, whose number is `frame`.
    """

    stream: int
    kind: int  # index into fastpath.progress.KINDS
    value: int
    detail: int
    answered: bool
    confidence: float
    at_ns: int
    frame: int

MediaEvent: TypeAlias = DigitHeard | PlayEnded | DigitsSent | DeviceGone | PeerSilent | SoundHeard

__pyx_capi__: dict[str, object]
