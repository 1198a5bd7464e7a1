"""The tones of a call's progress, one side of it, frame by frame: 20 ms, 160 samples at 8 kHz.

Pure: no clock, no allocation, state of constant size; a time is a count of samples.

    tones_init(&state)
    tones_hear(&state, &book.rules, frame)      then take state.event[0 .. state.events), events = 0
    tones_gap(&state, &book.rules)              a frame that never arrived
    tones_end(&state, &book.rules)              no more comes: what still sounds has ended
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t

from fastpath.tones_book cimport RHYTHM_MAX, ToneRules
from fastpath.tones_burst cimport Burst, BurstState
from fastpath.tones_sound cimport Sound
from fastpath.tones_torn cimport Torn

cdef enum:
    TONE_EVENTS_MAX = 8  # told of one frame; further ones are left out
    # phases of an event
    TONE_BEGINS = 0  # it is known, and goes on
    TONE_ENDS = 1  # it is over; told without a begin when it was over before it was known
    # value of TONE_FAX, as in tones_book.FAXES
    FAX_CNG = 0
    FAX_CED = 1
    FAX_BELL = 2
    FAX_ANSAM = 3

cdef struct ToneEvent:
    uint8_t kind  # tones_book.ToneKind
    uint8_t phase
    uint8_t value  # a rule of the book; of TONE_FAX see above; of TONE_SIT see SITS
    uint16_t number  # the same in the begin and the end of one sound
    float hertz  # of its strongest line; 0: none
    float confidence  # 0 to 1
    int64_t begin  # samples since tones_init
    int64_t end  # the same; when it goes on: as far as it was heard

cdef struct Tones:
    BurstState heard
    int bursts
    Burst burst[RHYTHM_MAX]  # oldest first
    uint8_t pending  # nobody knows yet what the last one is
    int64_t wake  # when silence alone says more
    # what was told and goes on
    int rule  # of the book; -1: none
    uint8_t lasts  # a beep so long that it was told before its end
    ToneEvent going
    int64_t known  # end of the last tone told
    Torn torn
    uint8_t torn_waits  # until it is known what else was heard
    Burst torn_last
    Sound sound
    ToneEvent sounding  # music, a voice or silence; its number is 0 when nobody knows
    uint16_t numbers
    # to be taken: set events to 0
    int events
    ToneEvent event[TONE_EVENTS_MAX]

cdef void tones_init(Tones *t) noexcept nogil
cdef void tones_hear(Tones *t, const ToneRules *book, const int16_t *frame) noexcept nogil
cdef void tones_gap(Tones *t, const ToneRules *book) noexcept nogil
cdef void tones_end(Tones *t, const ToneRules *book) noexcept nogil
