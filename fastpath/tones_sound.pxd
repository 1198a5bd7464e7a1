"""What a call sounds like over seconds: music, a voice, or nothing at all.

Pure: no clock, no allocation; two numbers a frame, from fastpath.tones_burst.
"""

from libc.stdint cimport int64_t, uint8_t

cdef enum:
    SOUND_NONE  # nobody knows
    SOUND_MUSIC
    SOUND_SPEECH
    SOUND_SILENCE

cdef struct Sound:
    uint8_t kind
    int64_t begin  # samples; of what sounds since
    float odds  # of music against a voice, as a logarithm
    # running means over three seconds
    int heard  # frames
    int pairs  # loud frames behind a loud one
    float mean  # power
    float low  # frames much softer than that
    float tonal  # loud frames that are hardly anything but tones
    float moves  # of the mean frequency
    float jumps  # of the level
    # the frame before
    float level
    float slope
    uint8_t loud
    int quiet  # frames in a row
    int lean  # how often in a row the odds said the same; below 0: a voice

cdef void sound_init(Sound *s) noexcept nogil
cdef void sound_forget(Sound *s, int64_t now) noexcept nogil
cdef int sound_hear(Sound *s, float power, float slope, int tonal, int64_t now) noexcept nogil
