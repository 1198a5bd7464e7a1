"""Keys in the audio itself (ITU-T Q.23, Q.24): heard in blocks of 102 samples.

Pure: no clock, no allocation; a position is a count of samples.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t

cdef enum:
    DTMF_BLOCK = 102  # samples, 12.75 ms: the eight tones fall near the middle of its bins
    DTMF_TONES = 8
    DTMF_OUT_MAX = 4
    DTMF_GAP_MAX = 480  # samples lost after which nothing is known of a key any more

cdef struct DtmfOut:
    uint8_t code  # as in DIGITS: 0-9 * # A-D
    int64_t position  # about where the tone began, in samples since dtmf_init

cdef struct Dtmf:
    int64_t heard  # samples
    int64_t lost  # in a row, and nothing since
    # the block being filled, and the one before
    int16_t audio[2][DTMF_BLOCK]
    int half  # which of them is being filled
    int count
    float sums[2 * DTMF_TONES]  # cosines, then sines; of the last block that was looked at
    float before[2 * DTMF_TONES]  # of the block before, when they are known
    float power_before[DTMF_TONES]
    float energy_before  # of a block with a hit
    int known
    int hit_before  # its key; -1: none, or there was no block
    # the key that may be one
    int candidate
    int hits
    int sure  # two blocks of it held next to nothing else
    float covered  # blocks of tone, parts counted
    int64_t began
    # the key that was told and is still down
    int down
    float absent  # blocks without it
    float level[2]  # of its row and column
    int64_t pressed  # where it began
    uint32_t ups  # keys that were told and went up; of the last of them, once there is one:
    int64_t until  # where it went up: about the last sample of it
    DtmfOut up
    # to be taken: set digits to 0
    int digits
    DtmfOut digit[DTMF_OUT_MAX]

cdef void dtmf_init(Dtmf *d) noexcept nogil
cdef void dtmf_hear(Dtmf *d, const int16_t *samples, int count) noexcept nogil
cdef void dtmf_gap(Dtmf *d, int64_t count) noexcept nogil


cdef class DtmfDetector:
    cdef Dtmf state
    cdef readonly list ends
