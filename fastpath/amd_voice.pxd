"""Whether anybody spoke at all: without that nobody is a person."""

from libc.math cimport sqrt

from fastpath.amd cimport Amd

cdef enum:
    VOWEL_SNR = 20  # dB: so clear a vowel need not move
    LEVELS_MIN = 2  # a run of 80 ms
    DOUBT = 20  # frames of silence behind what was no voice: it is forgotten


cdef inline int is_voice(const Amd *a) noexcept nogil:
    """A click is shorter; noise stands still within 0.6 dB, or 1.6 dB when it is mostly hiss."""
    cdef double mean = a.sum / max(a.levels, 1)
    if 20 * a.hiss < a.levels and a.vad.peak[0] - a.vad.floor[0] > VOWEL_SNR:
        return a.levels > 0
    return a.levels >= LEVELS_MIN and (
        sqrt(max(a.squares / a.levels - mean * mean, 0.0)) >= 0.6 + (2 * a.hiss > a.levels)
    )


cdef inline int is_none(const Amd *a) noexcept nogil:
    """Whether what was heard last is to be forgotten."""
    return (
        a.known.first >= 0 and not a.open and a.frame - a.known.last_end >= DOUBT
        and not is_voice(a)
    )
