"""What is heard, but for its times: it tells a voice from clicks, breath, rain and wind."""

from libc.math cimport fabs, sqrt
from libc.stdint cimport uint8_t

from fastpath.amd cimport Amd
from fastpath.amd_forest cimport (
    FALLS, GLIDE, PERIODIC, PITCHED, RISE, RUSTLE, STREAK, TILT, TILTS, VOICING,
)

cdef enum:
    DOUBT = 20  # frames of silence behind what was no voice: it is forgotten
    DOUBTS_MAX = 4
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


cdef inline void timbre_clear(Amd *a) noexcept nogil:
    """Nothing of what was heard was a voice."""
    a.periodic = a.glide = a.rise = 0.0
    a.pitched = a.streak = a.streak_longest = a.lag = 0
    a.tilt = a.tilts = a.rustle = 0.0
    a.falls = 0


cdef inline void timbre_moves(Amd *a, double louder) noexcept nogil:
    """How a frame of voice differs from the one before it."""
    a.rise = <float> max(a.rise, louder)
    a.falls += louder < 0
    a.rustle += <float> fabs(a.vad.residual - a.last_residual)


cdef inline void timbre_add(Amd *a) noexcept nogil:
    """A frame of voice."""
    a.tilt += <float> a.vad.slope
    a.tilts += <float> (a.vad.slope * a.vad.slope)
    a.last_residual = <float> a.vad.residual
    pitch_add(a)


cdef inline void timbre_features(const Amd *a, double frames, double *x) noexcept nogil:
    """Of so many frames of voice."""
    x[PERIODIC] = a.periodic / frames
    x[PITCHED] = 20 * a.pitched
    x[STREAK] = 20 * a.streak_longest
    x[GLIDE] = a.glide / max(a.pitched, 1)
    x[RISE] = a.rise
    x[VOICING] = a.pitched / frames
    x[TILT] = a.tilt / frames
    x[TILTS] = sqrt(max(a.tilts / frames - x[TILT] * x[TILT], 0.0))
    x[RUSTLE] = a.rustle / frames
    x[FALLS] = a.falls / frames
