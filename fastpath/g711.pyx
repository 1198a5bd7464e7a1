# cython: auto_pickle=False, autotestdict=False
"""G.711 companding by table, as ITU-T G.191 (STL) computes it.

mu-law keeps 14 bits of a sample and A-law 13. Both take the one's complement of a negative sample,
so that the two halves of the curve mirror each other: -1 is as small as 0.
"""

from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t

import numpy as np


cdef uint8_t ulaw_compress(int16_t sample) noexcept nogil:
    cdef int32_t magnitude = ((~sample if sample < 0 else sample) >> 2) + 33
    cdef int segment = 1
    if magnitude > 0x1FFF:
        magnitude = 0x1FFF
    while magnitude >> (5 + segment):
        segment += 1
    cdef int code = ((8 - segment) << 4) | (0x0F - ((magnitude >> segment) & 0x0F))
    return <uint8_t> (code if sample < 0 else code | 0x80)


cdef int16_t ulaw_expand(uint8_t code) noexcept nogil:
    cdef int exponent = (~code >> 4) & 0x07
    cdef int step = 4 << (exponent + 1)
    cdef int magnitude = (0x80 << exponent) + step * (~code & 0x0F) + step // 2 - 4 * 33
    return <int16_t> (magnitude if code & 0x80 else -magnitude)


cdef uint8_t alaw_compress(int16_t sample) noexcept nogil:
    cdef int32_t magnitude = (~sample if sample < 0 else sample) >> 4
    cdef int exponent = 1
    if magnitude > 15:
        while magnitude > 31:
            magnitude >>= 1
            exponent += 1
        magnitude = magnitude - 16 + (exponent << 4)
    return <uint8_t> ((magnitude if sample < 0 else magnitude | 0x80) ^ 0x55)


cdef int16_t alaw_expand(uint8_t code) noexcept nogil:
    cdef int exponent = ((code ^ 0x55) >> 4) & 0x07
    cdef int magnitude = (code ^ 0x55) & 0x0F
    if exponent:
        magnitude += 16
    magnitude = (magnitude << 4) + 8
    if exponent > 1:
        magnitude <<= exponent - 1
    return <int16_t> (magnitude if code & 0x80 else -magnitude)


cdef void fill_tables() noexcept nogil:
    cdef int i
    for i in range(256):
        ulaw_linear[i] = ulaw_expand(<uint8_t> i)
        alaw_linear[i] = alaw_expand(<uint8_t> i)
    for i in range(65536):
        linear_ulaw[i] = ulaw_compress(<int16_t> i)
        linear_alaw[i] = alaw_compress(<int16_t> i)


fill_tables()


cdef bytes encode(const int16_t[::1] samples, const uint8_t *table):
    cdef Py_ssize_t i, count = samples.shape[0]
    out = bytearray(count)
    cdef uint8_t[::1] view = out
    with nogil:
        for i in range(count):
            view[i] = table[<uint16_t> samples[i]]
    return bytes(out)


cdef object decode(const uint8_t[::1] data, const int16_t *table):
    cdef Py_ssize_t i, count = data.shape[0]
    out = np.empty(count, np.int16)
    cdef int16_t[::1] view = out
    with nogil:
        for i in range(count):
            view[i] = table[data[i]]
    return out


cdef bytes transcode(const uint8_t[::1] data, const int16_t *expand, const uint8_t *compress):
    cdef Py_ssize_t i, count = data.shape[0]
    out = bytearray(count)
    cdef uint8_t[::1] view = out
    with nogil:
        for i in range(count):
            view[i] = compress[<uint16_t> expand[data[i]]]
    return bytes(out)


def ulaw_encode(const int16_t[::1] samples):
    return encode(samples, linear_ulaw)


def ulaw_decode(const uint8_t[::1] data):
    return decode(data, ulaw_linear)


def alaw_encode(const int16_t[::1] samples):
    return encode(samples, linear_alaw)


def alaw_decode(const uint8_t[::1] data):
    return decode(data, alaw_linear)


def ulaw_to_alaw(const uint8_t[::1] data):
    return transcode(data, ulaw_linear, linear_alaw)


def alaw_to_ulaw(const uint8_t[::1] data):
    return transcode(data, alaw_linear, linear_ulaw)
