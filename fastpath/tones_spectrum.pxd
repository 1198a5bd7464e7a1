"""What a stretch of audio is made of: its strongest pure tones, and how much of it they are.

Pure: no clock, no allocation. A Hann window over 512 or 1,024 samples at 8 kHz; the first tells
tones 45 Hz apart, the second 25 Hz.
"""

from libc.stdint cimport int16_t, uint8_t

cdef enum:
    SPECTRUM_MAX = 1024
    SPECTRUM_SHORT = 512
    PEAKS_MAX = 3
    # GSM full rate makes several lines, that waver, of one above: hertz, and how far they are apart
    TORN_HERTZ = 1700
    TORN_APART = 65

cdef struct Peaks:
    float hertz[PEAKS_MAX]  # strongest first
    float share[PEAKS_MAX]  # of the power from 60 Hz on, 0 to 1
    float pure  # all of them together
    uint8_t count
    uint8_t fine  # by the long window

cdef void spectrum_peaks(const int16_t *samples, int size, Peaks *found) noexcept nogil
cdef void peaks_join(Peaks *found) noexcept nogil
