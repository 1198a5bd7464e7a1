"""Fingerprints of audio: 16 bits for what changed in 16 pairs of bands, 31 times a second.

After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002), with
amplitudes instead of energies and, of each print, the bits that are most worth believing.
Pure: no clock, no allocation, state of constant size.
"""

from libc.stdint cimport int16_t, int64_t, uint16_t

cdef enum:
    PRINT_WINDOW = 1024  # samples of a spectrum: 128 ms
    PRINT_HOP = 256  # samples from one print to the next; a bank has them at half of it
    PRINT_BANDS = 17  # from 250 to 3300 Hz, as wide as their pitch is high
    PRINT_BITS = 16
    PRINT_KEPT = 10  # of these: the largest changes

cdef struct Print:
    uint16_t code
    uint16_t mask  # the bits kept; 0: too quiet to say anything
    float power  # mean square between 250 and 3300 Hz, of full scale 1.0

cdef struct Coder:
    float sample[PRINT_WINDOW]
    float amplitude[PRINT_BANDS]  # of the spectrum before
    float peak  # the loudest power so far; it sinks slowly
    int fill  # samples of the window that are there
    int known  # whether there is a spectrum before

cdef void coder_init(Coder *c) noexcept nogil
# Hear up to PRINT_HOP samples; 1: `found` is a new print.
cdef int coder_hear(Coder *c, const int16_t *samples, int count, Print *found) noexcept nogil
