"""Tone plans, compiled: which frequencies in which rhythm mean what. Read only, shared by threads.
"""

from libc.stdint cimport int64_t, uint8_t

from fastpath.tones_burst cimport Burst
from fastpath.tones_spectrum cimport Peaks

cdef enum:
    BOOK_RULES_MAX = 64  # with those of fax machines
    RULE_HERTZ_MAX = 3
    RULE_STEPS_MAX = 12  # on, off, on, off ...; none: it never stops
    RHYTHM_MAX = 8  # bursts remembered

cdef enum ToneKind:  # as in KINDS
    TONE_RINGBACK
    TONE_BUSY
    TONE_CONGESTION
    TONE_DIAL
    TONE_OTHER  # another of the plan, known by its name
    TONE_FAX
    TONE_SIT
    TONE_BEEP
    TONE_MUSIC
    TONE_SPEECH
    TONE_SILENCE

cdef struct ToneRule:
    uint8_t kind
    uint8_t value  # of TONE_FAX: see FAXES
    uint8_t tones
    uint8_t steps
    uint8_t bursts  # that must be heard before it is told
    float hertz[RULE_HERTZ_MAX]
    float sideband  # Hz of amplitude modulation; 0: none
    float off  # part of a frequency that it may be off
    float slack  # part of a step's length that it may be off
    int lasting  # samples after which what never stops is told
    int step[RULE_STEPS_MAX]  # samples

cdef struct ToneRules:
    int count
    int first_fax  # rules from here on are every book's
    ToneRule rule[BOOK_RULES_MAX]

cdef struct Fit:  # how a rule fits the last bursts
    int bursts  # in a row that fit; 0: the last one does not
    int step  # of the rule: the last one's
    float error  # mean square of (measured - meant) / allowed

cdef int rule_sounds(const ToneRule *r, const Peaks *heard) noexcept nogil
cdef int rule_room(const ToneRule *r, int step) noexcept nogil
cdef void rule_fit(const ToneRule *r, const Burst *burst, int count, Fit *fit) noexcept nogil
cdef int64_t pause_max(const ToneRule *r, int step) noexcept nogil
cdef int64_t rule_waits(const ToneRule *r, int step) noexcept nogil
cdef int rule_longer(
    const ToneRules *book, int than, const Burst *burst, int count, int64_t silence, int64_t *wait
) noexcept nogil
cdef float fit_sure(const Fit *fit, const Burst *b) noexcept nogil
cdef int rule_rest(const ToneRules *book, const Burst *b) noexcept nogil
cdef int plain(const Peaks *heard) noexcept nogil


cdef class ToneBook:
    cdef ToneRules rules
    cdef readonly tuple names
