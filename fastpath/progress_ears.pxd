"""What one side of one call says, heard in one pass: who answered, keys, and what else there is.

Pure: no clock, no allocation, state of constant size; a position is a count of samples at 8 kHz.

`progress_init` begins in early media, where there is no verdict; `progress_begin` is the answer.
What an `Asked` does not want is not heard and costs nothing. What was found waits in `sound` until
it is taken: whoever feeds a frame takes it before the next.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t

from fastpath.amd cimport Amd
from fastpath.amd_forest cimport Forest
from fastpath.amd_classic cimport Classic, ClassicRule
from fastpath.dtmf cimport Dtmf
from fastpath.prints cimport Prints
from fastpath.prints_bank cimport Bank
from fastpath.tones cimport Tones
from fastpath.tones_book cimport ToneRules
from fastpath.vad cimport VAD_FRAME

cdef enum:
    MS_SAMPLES = 8
    SOUNDS_MAX = 8  # waiting to be taken, the last place for a verdict; there are no further ones
    QUIET_FRAMES_MAX = 3000

cdef enum:  # which detector tells who answered
    BY_NOBODY = 0
    BY_MODEL = 1
    BY_CLASSIC = 2

cdef enum:  # kinds of what is heard
    SOUND_ANSWER = 0  # value: ANSWER_..., detail: why, as the detector numbers it
    SOUND_KEY = 1  # value: as in DIGITS; goes_on: it went down, else it is up
    SOUND_SILENCE = 2  # behind what a machine said: for as long as was asked
    SOUND_ANNOUNCEMENT = 3  # value: a recording of the bank
    SOUND_TONE = 4  # and the kinds of tones_book.ToneKind, in their order; value: as of ToneEvent

cdef enum:  # why a frame has no samples
    FRAME_LOST = 1
    FRAME_UNSENT = 2

cdef struct Sound:  # laid out without holes: every stream has SOUNDS_MAX of them
    int64_t begin  # samples since progress_init
    int32_t length  # samples
    float sure
    int16_t value
    uint16_t number
    uint8_t kind
    uint8_t goes_on  # its end is told again, with the same number
    uint8_t detail

cdef struct Asked:  # by a campaign and a trunk; shared by their calls
    uint8_t answer
    const Forest *model
    ClassicRule classic
    int revise  # frames since the first voice: until then a person may become a machine; 0: never
    int quiet  # frames of silence behind a machine's greeting that are told; 0: they are not
    const ToneRules *tones  # NULL: none
    const Bank *bank  # of announcements, before the answer; NULL: none
    int64_t tones_for  # samples after the answer; 0: to the end

cdef struct Ears:  # the detectors that hear frames
    int16_t frame[VAD_FRAME]  # the one being filled
    Amd amd
    Classic classic
    Tones tones
    Prints prints

cdef struct Progress:
    const Asked *asked  # NULL: nothing but keys
    Ears *ears  # of whoever has the Progress; there while something is asked
    uint8_t keys
    uint8_t answered
    uint8_t who  # the verdict
    uint8_t quiet_told
    uint8_t settled  # a person stays one
    uint8_t sounds
    uint8_t filled  # samples of `ears.frame`
    int64_t heard
    int64_t since  # of `heard`: the answer
    int64_t ears_from  # the same: where the detectors of tones and announcements began
    # voice, by frames since the answer
    int voice_end
    int voice_end_before
    uint8_t voiced
    Dtmf dtmf
    Sound sound[SOUNDS_MAX]

cdef void progress_init(Progress *p) noexcept nogil
cdef void progress_begin(
    Progress *p, const Asked *asked, Ears *ears, int answered
) noexcept nogil
cdef void progress_keys(Progress *p, int on) noexcept nogil
cdef int progress_done(const Progress *p) noexcept nogil
cdef void progress_hear(Progress *p, const int16_t *samples, int count) noexcept nogil
cdef void progress_gap(Progress *p, int count) noexcept nogil
cdef void progress_break(Progress *p) noexcept nogil
cdef void progress_silence(Progress *p, int count) noexcept nogil
cdef void progress_settle(Progress *p) noexcept nogil
cdef void progress_end(Progress *p) noexcept nogil
cdef void ears_close(Ears *ears) noexcept nogil  # before its memory is given back
