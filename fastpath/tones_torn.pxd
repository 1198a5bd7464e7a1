"""High tones that GSM full rate tore apart so far that no frame of them is like the next one.

Pure: no clock, no allocation.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t

from fastpath.tones_burst cimport Burst, BurstState

cdef struct Torn:
    uint8_t on
    uint8_t ended  # `last` is over since this frame
    int age  # frames since its first
    int alike  # frames in a row with their power high up
    int good  # spectra with the line in them
    int bad  # without
    int without  # the same, in a row
    float hertz  # of the line, a mean
    float share  # of the power around it, the mean of the good ones
    float power  # mean of the frames with it
    int heard  # those frames
    float quiet  # power of the softest frame before it
    float softest  # the same behind it
    int64_t begin  # number of its first frame
    int64_t end  # number of the frame behind the last with it
    Burst last

cdef void torn_hear(Torn *t, const BurstState *s) noexcept nogil
cdef void torn_end(Torn *t, const BurstState *s) noexcept nogil
