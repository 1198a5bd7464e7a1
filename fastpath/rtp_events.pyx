# cython: auto_pickle=False, autotestdict=False
"""What the media threads tell, made into Python objects."""

from collections import namedtuple

from fastpath.rtp_limits cimport EVENTS_BATCH
from fastpath.rtp_loop cimport (
    DEVICE_GONE,
    DIGIT_HEARD,
    DIGITS_SENT,
    PLAY_ENDED,
    SOUND_HEARD,
    Event,
    event_take,
)

from fastpath.rtp_receive import DIGITS

SOURCES = ("rfc4733", "inband")  # as DigitSource

DigitHeard = namedtuple("DigitHeard", ("stream", "digit", "at_ns", "source"))
PlayEnded = namedtuple("PlayEnded", ("stream", "token"))
DigitsSent = namedtuple("DigitsSent", ("stream", "token"))
DeviceGone = namedtuple("DeviceGone", ("stream", "error"))
PeerSilent = namedtuple("PeerSilent", ("stream", "since_ns"))
SoundHeard = namedtuple(
    "SoundHeard", "stream kind value detail answered confidence at_ns frame"
)
MediaEvent = DigitHeard | PlayEnded | DigitsSent | DeviceGone | PeerSilent | SoundHeard


cdef list events_take(Worker *workers, int count):
    """The oldest events of every thread, EVENTS_BATCH of them at most."""
    cdef Event e
    cdef int i
    cdef list out = []
    for i in range(count):
        while event_take(&workers[i].ring, &e):
            if e.kind == DIGIT_HEARD:
                out.append(DigitHeard(e.stream, DIGITS[e.digit], e.value, SOURCES[e.source]))
            elif e.kind == PLAY_ENDED:
                out.append(PlayEnded(e.stream, e.value))
            elif e.kind == DEVICE_GONE:
                out.append(DeviceGone(e.stream, e.value))
            elif e.kind == DIGITS_SENT:
                out.append(DigitsSent(e.stream, e.value))
            elif e.kind == SOUND_HEARD:
                out.append(SoundHeard(
                    e.stream, e.sound.kind, e.sound.value, e.sound.detail,
                    bool(e.sound.answered), e.sound.sure, e.value, e.sound.frame,
                ))
            else:
                out.append(PeerSilent(e.stream, e.value))
            if len(out) >= EVENTS_BATCH:
                return out
    return out
