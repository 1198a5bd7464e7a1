"""Carrier announcements by their fingerprints: one call's audio against a bank of recordings.

Pure: no clock. The memory of a call is taken once, by `prints_init`: 2 octets for each print of the
bank and 6 KiB. Audio is 16 bits at 8 kHz, up to PRINT_HOP samples at a time.

A bank is read by any number of calls at once and never changes. Whoever holds a `Prints` keeps the
`PrintBank` alive.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t

from fastpath.prints_bank cimport Bank, PrintBank
from fastpath.prints_code cimport Coder

cdef enum:
    PRINTS_SHORT = 58  # prints of a call in a window of 2 s, 32 ms each
    PRINTS_LONG = 116  # of 4 s
    PRINTS_HISTORY = 128  # remembered, a power of 2
    PRINTS_SEGMENTS = 8  # of a window of 4 s, each of which must agree
    PRINTS_LEADS = 6  # alignments looked at closely, at once
    PRINTS_BLOCK = 128  # places of a bank of which one at most is a lead
    PRINTS_PASSES = 4  # short recordings that were heard and wait for their second time
    PRINTS_TOLD = 128  # octets: a bit for each of PRINTS_REFS_MAX recordings

cdef enum:
    MATCH_NONE = 0
    MATCH_CANDIDATE = 1  # 2 s agree: to be shown, never acted on
    MATCH_SURE = 2  # 4 s agree; of a shorter recording all of it, twice

cdef struct Match:
    int32_t ref  # -1: none
    uint8_t sure  # MATCH_CANDIDATE or MATCH_SURE
    float ber  # bits that differ, of those compared: 0 to 1
    int32_t position_ms  # of the recording: how far it has been heard
    int32_t from_ms  # since the first sample: where what was compared begins
    int32_t at_ms  # and ends

cdef struct Tally:  # of prints compared
    int prints
    int bits
    int errors

cdef struct Window:  # one alignment, looked at closely
    int32_t ref
    int32_t place  # in the bank, of the newest print
    int overlap  # prints of the call since the recording began, PRINTS_LONG at most
    Tally brief  # of the last 2 s
    Tally brief_own  # those that are not shared
    Tally whole  # of the last 4 s
    Tally whole_own
    Tally segment[PRINTS_SEGMENTS]  # of the last 4 s, newest first

cdef struct Pass:  # a short recording, played whole
    int32_t ref
    int64_t print

cdef struct Prints:
    const Bank *bank
    Coder coder
    int16_t *sums  # errors of each alignment, of late: 1024 times those of a print
    int32_t turn  # where in the bank the alignment 0 is now
    int64_t print  # how many were made
    int64_t samples
    uint16_t code[PRINTS_HISTORY]
    uint16_t mask[PRINTS_HISTORY]
    Pass passes[PRINTS_PASSES]
    int next_pass
    int hot  # something agreed when it was last looked at
    int32_t told  # the recording that was news last, -1: none
    uint8_t told_sure[PRINTS_TOLD]
    Match match

cdef int prints_init(Prints *p, const Bank *bank) noexcept nogil  # 0: no memory
cdef void prints_free(Prints *p) noexcept nogil
# Hear up to PRINT_HOP samples. Not MATCH_NONE: `p.match` is news, a candidate that was not told
# just before or a recording that is sure now; that is said once of each.
cdef int prints_hear(Prints *p, const int16_t *samples, int count) noexcept nogil
cdef void prints_gap(Prints *p, int count) noexcept nogil  # so many samples never arrived


cdef class PrintMatcher:
    cdef Prints state
    cdef readonly PrintBank bank
    cdef news(self)
