# Phone numbers: the one type that may be dialed, and the normaliser that alone can make it.

from libc.stdint cimport uint8_t, uint64_t

from fastpath.plan cimport Found, Plan


cdef class Number:
    cdef readonly uint64_t value
    cdef readonly str carrier
    cdef uint8_t _country_digits    # 0: of another country


cdef class Numbering:
    cdef Plan _plan
    cdef readonly tuple reasons

    cdef void _read(self, str text, Found* found) noexcept
    cdef void _resolve(self, const uint8_t* digits, int n, bint plus, Found* found) noexcept nogil
    cdef void _international(self, const uint8_t* digits, int n, Found* found) noexcept nogil
    cdef Number _make(self, const Found* found)
