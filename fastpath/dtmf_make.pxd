"""The tones of keys, made: frames that go on from one another."""

from libc.stdint cimport int16_t, int64_t

cdef void dtmf_tone(int code, int64_t position, int16_t *samples, int count) noexcept nogil
