"""The classic rule of answering machine detection, as Asterisk's documentation describes `AMD()`.

For engineers who come with its parameters, and to compare with. Pure, bounded; times are frames of
20 ms. What it does not do: follow the noise of a call, or let a long greeting of an office pass.
"""

from libc.stdint cimport int16_t, uint8_t

cdef struct ClassicRule:  # milliseconds, but for the last two
    int initial_silence
    int greeting
    int after_greeting_silence
    int total_analysis_time
    int minimum_word_length
    int between_words_silence
    int maximum_word_length
    int maximum_number_of_words
    int silence_threshold  # mean of the samples' magnitudes

cdef struct Classic:
    ClassicRule rule
    int total
    int silence
    int voice
    int greeting
    int words
    uint8_t in_initial_silence
    uint8_t in_greeting
    uint8_t in_word
    uint8_t answer  # as in amd.pxd
    uint8_t reason

cdef void classic_init(Classic *c, const ClassicRule *rule) noexcept nogil
cdef void classic_hear(Classic *c, const int16_t *samples) noexcept nogil
cdef int rule_fill(ClassicRule *rule, parameters) except -1


cdef class ClassicDetector:
    cdef Classic state
    cdef verdict(self)
