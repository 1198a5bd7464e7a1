"""The states of a call, and what may happen in each; `dialerd.core.call` has the rules."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class CallState(IntEnum):
    """Where a call stands."""

    NEW = 0
    DIALING = 1
    RINGING = 2
    UP = 3
    RELEASING = 4
    ADVANCING = 5
    ENDED = 6


NEW, DIALING, RINGING, UP, RELEASING, ADVANCING, ENDED = CallState


# (state, trigger) -> (method, the states it may lead to). "time" is the state's deadline. An event
# not in it is the line's fault or comes late: it is counted and ignored.
MOVES: Final[dict[tuple[CallState, str], tuple[str, tuple[CallState, ...]]]] = {
    (DIALING, "Ringing"): ("_ringing", (RINGING,)),
    (DIALING, "Answered"): ("_answered", (UP,)),
    (DIALING, "MediaLost"): ("_media_lost", (RELEASING,)),
    (DIALING, "Recorded"): ("_recorded", (DIALING,)),
    (DIALING, "Released"): ("_released_dialing", (ADVANCING, ENDED)),
    (DIALING, "Sound"): ("_sound_early", (DIALING, RELEASING)),
    (DIALING, "time"): ("_ring_limit", (RELEASING,)),
    (RINGING, "Ringing"): ("_ringing", (RINGING,)),
    (RINGING, "Answered"): ("_answered", (UP,)),
    (RINGING, "MediaLost"): ("_media_lost", (RELEASING,)),
    (RINGING, "Recorded"): ("_recorded", (RINGING,)),
    (RINGING, "Sound"): ("_sound_early", (RINGING, RELEASING)),
    (RINGING, "Released"): ("_released", (ENDED,)),
    (RINGING, "time"): ("_ring_limit", (RELEASING,)),
    (UP, "Digit"): ("_digit", (UP, RELEASING)),
    (UP, "Verdict"): ("_verdict", (UP, RELEASING)),
    (UP, "Sound"): ("_sound_up", (UP, RELEASING)),
    (UP, "PlayEnded"): ("_play_ended", (UP, RELEASING)),
    (UP, "Recorded"): ("_recorded", (UP,)),
    (UP, "MediaLost"): ("_media_lost", (RELEASING,)),
    (UP, "Released"): ("_released", (ENDED,)),
    (UP, "time"): ("_up_time", (UP, RELEASING)),
    (RELEASING, "Answered"): ("_answered_late", (RELEASING,)),
    (RELEASING, "Recorded"): ("_recorded", (RELEASING,)),
    (RELEASING, "Released"): ("_released", (ENDED,)),
    (RELEASING, "time"): ("_never_released", (ENDED,)),
    (ADVANCING, "time"): ("give_up", (ENDED,)),
}
