"""G.711 companding by table, as ITU-T G.191 (STL) computes it."""

from libc.stdint cimport int16_t, uint8_t

cdef int16_t[256] ulaw_linear
cdef int16_t[256] alaw_linear
cdef uint8_t[65536] linear_ulaw  # by the sample as an unsigned number
cdef uint8_t[65536] linear_alaw
