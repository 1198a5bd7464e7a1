"""What the media threads tell."""

from typing import Literal, NamedTuple, TypeAlias

from fastpath.rtp_receive import DIGITS as DIGITS

class DigitHeard(NamedTuple):
    """A key, counted once whatever the network lost, repeated or reordered (RFC 4733)."""

    stream: int
    digit: str
    at_ns: int  # CLOCK_MONOTONIC, arrival of the event's first packet heard
    source: Literal["rfc4733"]

class PlayEnded(NamedTuple):
    """A prompt ran to its end; a stopped, replaced or looping one never does."""

    stream: int
    token: int

class DigitsSent(NamedTuple):
    """All digits of one `send_digits` left, the last gap included."""

    stream: int
    token: int

MediaEvent: TypeAlias = DigitHeard | PlayEnded | DigitsSent

__pyx_capi__: dict[str, object]
