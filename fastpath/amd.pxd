"""Who answered: a person or a machine, told from the timing of speech and silence.

Pure: no clock, no allocation; times are counts of frames of 20 ms since `amd_init`. One detector
hears one side of one call until its verdict, then costs nothing.

The voice detector says which frames hold a voice. Frames become runs (gaps up to BRIDGE frames
belong to them), runs with little pause between them phrases. What is known of them now is put into
numbers (FEATURES of them), and the trees of a model say of these how likely it is a machine.
"""

from libc.stdint cimport int16_t, int32_t, uint8_t

from fastpath.amd_forest cimport FEATURES, Forest, Model
from fastpath.vad cimport Vad

cdef enum:
    AMD_BRIDGE = 3  # frames: a gap that short is inside of a run
    AMD_RUN_MIN = 3  # frames of voice: fewer are a click
    AMD_PHRASE_GAP = 10  # frames: a pause that long ends a phrase
    AMD_QUIET = 100  # frames of silence behind a voice: whoever it is lets us speak
    AMD_EVERY = 2  # frames between two looks at the model
    AMD_AGAIN = 5  # the same, behind a person

cdef enum:
    ANSWER_NONE = 0  # not yet
    ANSWER_HUMAN = 1
    ANSWER_MACHINE = 2
    ANSWER_UNKNOWN = 3

cdef enum:
    REASON_NONE = 0
    REASON_MODEL = 1  # the trees are sure enough
    REASON_SILENCE = 2  # nothing but a quiet line until the end of the analysis
    REASON_TOO_LONG = 3  # not sure when the analysis ended
    REASON_TONE = 4  # nothing but tones, or keys
    REASON_NO_AUDIO = 5  # less than a frame
    REASON_ENDED = 6  # a voice was heard, and the audio ended before it was clear whose
    REASON_REVISED = 7  # taken for a person, it talked on as machines do
    REASON_NO_VOICE = 8  # something was heard, and it was none

cdef struct Run:
    int begin  # frame
    int end  # frame behind its last voice
    int active  # frames of voice in it

cdef struct Figures:  # of runs that count; all but `voiced` and `last_end` with the one going on
    int first  # frame of the first voice, -1: none yet
    int words
    int voiced
    int phrases
    int first_phrase
    int longest_phrase
    int longest_pause
    int pauses
    int phrase_begin
    int last_end

cdef struct Amd:
    Vad vad
    uint8_t answer
    uint8_t reason
    double odds  # log-odds of a machine, of the last look
    int frame  # number of the next
    Figures known
    Figures before  # the run that is going on
    # the run that may be going on
    uint8_t open
    uint8_t counted  # it is long enough and stands in the figures
    Run run
    int tonal
    uint8_t sounds  # frames that were louder than a quiet line, to AMD_RUN_MIN
    uint8_t doubted  # what was heard last was no voice
    uint8_t doubts  # sounds that were none, to DOUBTS_MAX
    uint8_t keyed  # keys were heard
    uint8_t keying  # one is down: what is so much louder than all before it is no voice's room
    # levels over frames of voice
    int levels
    double sum
    double squares
    double moves
    double hiss
    double last_level
    float tilt  # correlation of neighbours: 1 is dull, less than 0 hisses
    float tilts  # its squares
    float rustle  # how far what cannot be told of the next sample moves from frame to frame
    float last_residual
    int falls  # frames not as loud as the one before
    float recent[6]
    # the pitch over frames of voice
    float periodic
    float glide  # how far it moves from frame to frame, of itself
    float rise  # most dB that a frame of voice is above the one before
    int pitched  # frames
    uint8_t streak  # of them in a row
    uint8_t streak_longest
    uint8_t lag  # of the last
    # syllables
    int syllables
    int nucleus  # frame of the last
    uint8_t falling
    double extreme

cdef void amd_init(Amd *a) noexcept nogil
cdef void amd_hear(Amd *a, const Forest *model, const int16_t *samples) noexcept nogil
cdef void amd_gap(Amd *a, const Forest *model) noexcept nogil
cdef void amd_again(
    Amd *a, const Forest *model, const int16_t *samples, int within
) noexcept nogil
cdef void amd_end(Amd *a) noexcept nogil
cdef void figures_clear(Amd *a) noexcept nogil
cdef void amd_features(const Amd *a, double *x) noexcept nogil


cdef class AnswerDetector:
    cdef Amd state
    cdef Model model
    cdef int within  # frames since the first voice; a second verdict comes no later
    cdef object found  # the verdict
    cdef object found_first  # the one before it
    cdef int over(self) noexcept
    cdef take(self, const int16_t *samples)
    cdef told(self)
