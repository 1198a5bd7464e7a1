# cython: auto_pickle=False, autotestdict=False
"""The classic rule. A frame is silent when the mean magnitude of its samples is below a threshold.

    silent   at first for initial_silence                       -> machine, INITIALSILENCE
             after a word for after_greeting_silence             -> human, HUMAN
             for between_words_silence                           the word is over
    voiced   for minimum_word_length and not in a word           one more word
             in a word for maximum_word_length                   -> machine, MAXWORDLENGTH
             more words than maximum_number_of_words             -> machine, MAXWORDS
             in the greeting for greeting, silences left out     -> machine, LONGGREETING
    anything for total_analysis_time                             -> unknown, TOOLONG
"""

from libc.string cimport memset

from fastpath.amd cimport ANSWER_HUMAN, ANSWER_MACHINE, ANSWER_UNKNOWN
from fastpath.vad cimport VAD_FRAME

from fastpath.amd import ANSWERS, Verdict

DEFAULTS = {
    "initial_silence": 2500,
    "greeting": 1500,
    "after_greeting_silence": 800,
    "total_analysis_time": 5000,
    "minimum_word_length": 100,
    "between_words_silence": 50,
    "maximum_word_length": 5000,
    "maximum_number_of_words": 2,
    "silence_threshold": 256,
}
REASONS = (
    "", "initial silence", "long greeting", "words", "word length", "silence after greeting",
    "too long", "no audio",
)

cdef enum:
    FRAME_MS = 20
    INITIAL_SILENCE = 1
    LONG_GREETING = 2
    WORDS = 3
    WORD_LENGTH = 4
    AFTER_GREETING = 5
    TOO_LONG = 6
    NO_AUDIO = 7


cdef void classic_init(Classic *c, const ClassicRule *rule) noexcept nogil:
    memset(c, 0, sizeof(Classic))
    c.rule = rule[0]
    c.in_initial_silence = 1
    c.in_word = 1


cdef void say(Classic *c, uint8_t answer, uint8_t reason) noexcept nogil:
    if not c.answer:
        c.answer = answer
        c.reason = reason


cdef void silent(Classic *c) noexcept nogil:
    c.silence += FRAME_MS
    if c.silence >= c.rule.between_words_silence:
        c.in_word = 0
        c.voice = 0
    if c.in_initial_silence and c.silence >= c.rule.initial_silence:
        say(c, ANSWER_MACHINE, INITIAL_SILENCE)
    if c.silence >= c.rule.after_greeting_silence and c.in_greeting:
        say(c, ANSWER_HUMAN, AFTER_GREETING)


cdef void voiced(Classic *c) noexcept nogil:
    c.silence = 0
    c.voice += FRAME_MS
    if c.voice >= c.rule.minimum_word_length and not c.in_word:
        c.words += 1
        c.in_word = 1
    if c.voice >= c.rule.maximum_word_length:
        say(c, ANSWER_MACHINE, WORD_LENGTH)
    if c.words > c.rule.maximum_number_of_words:
        say(c, ANSWER_MACHINE, WORDS)
    if c.in_greeting and c.voice >= c.rule.minimum_word_length:
        c.greeting += FRAME_MS
        if c.greeting >= c.rule.greeting:
            say(c, ANSWER_MACHINE, LONG_GREETING)
    if c.voice >= c.rule.minimum_word_length:
        c.in_initial_silence = 0
        if not c.in_greeting:
            c.in_greeting = 1
            c.greeting = c.voice


cdef void classic_hear(Classic *c, const int16_t *samples) noexcept nogil:
    """Hear the next frame of 160 samples. Once the answer is known it stays."""
    cdef int i, sum = 0
    if c.answer:
        return
    for i in range(VAD_FRAME):
        sum += -samples[i] if samples[i] < 0 else samples[i]
    c.total += FRAME_MS
    if sum // VAD_FRAME < c.rule.silence_threshold:
        silent(c)
    else:
        voiced(c)
    if c.total >= c.rule.total_analysis_time:
        say(c, ANSWER_UNKNOWN, TOO_LONG)


cdef int rule_fill(ClassicRule *rule, parameters) except -1:
    """DEFAULTS with these parameters; ValueError: an unknown one, or one out of bounds."""
    used = DEFAULTS | parameters
    for name, value in used.items():
        if name not in DEFAULTS:
            raise ValueError(f"no parameter {name!r}; there are {', '.join(DEFAULTS)}")
        if not 0 <= value <= 600_000:
            raise ValueError(f"{name}: {value}; 0 to 600000")
    rule.initial_silence = used["initial_silence"]
    rule.greeting = used["greeting"]
    rule.after_greeting_silence = used["after_greeting_silence"]
    rule.total_analysis_time = used["total_analysis_time"]
    rule.minimum_word_length = used["minimum_word_length"]
    rule.between_words_silence = used["between_words_silence"]
    rule.maximum_word_length = used["maximum_word_length"]
    rule.maximum_number_of_words = used["maximum_number_of_words"]
    rule.silence_threshold = used["silence_threshold"]
    return 0


cdef class ClassicDetector:
    """One side of one call."""

    def __cinit__(self, **parameters):
        cdef ClassicRule rule
        rule_fill(&rule, parameters)
        classic_init(&self.state, &rule)

    def hear(self, const int16_t[::1] samples):
        cdef Py_ssize_t at
        for at in range(0, samples.shape[0] - VAD_FRAME + 1, VAD_FRAME):
            classic_hear(&self.state, &samples[at])
            if self.state.answer:
                return self.verdict()
        return None

    def end(self):
        if not self.state.answer:
            say(&self.state, ANSWER_UNKNOWN, TOO_LONG if self.state.total else NO_AUDIO)
        return self.verdict()

    cdef verdict(self):
        return Verdict(
            ANSWERS[self.state.answer], self.state.total, None,
            0.0 if self.state.answer == ANSWER_UNKNOWN else 1.0, REASONS[self.state.reason],
        )
