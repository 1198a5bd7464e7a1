"""The pitch of what is heard, which tells a voice from clicks, breath, rain and wind."""

from libc.stdint cimport uint8_t

from fastpath.amd cimport Amd

cdef enum:
    DOUBT = 20  # frames of silence behind what was no voice: it is forgotten
    PITCHED_LEAST = 5  # frames, without which nothing is a machine either


cdef inline void pitch_add(Amd *a) noexcept nogil:
    """The pitch of a frame of voice, and how far it is from the last one's."""
    cdef int lag = a.vad.lag, off = lag - a.lag
    a.periodic += a.vad.periodic
    if a.vad.periodic < <float> 0.7:
        a.streak = a.lag = 0
        return
    a.pitched += 1
    if a.lag and 5 * abs(off) <= lag:  # not an octave off
        a.glide += <float> abs(off) / lag
        a.streak += a.streak < 255
    else:
        a.streak = 1
    a.lag = <uint8_t> lag
    a.streak_longest = max(a.streak_longest, a.streak)
