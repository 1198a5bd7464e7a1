"""How a record lies in the store: a version byte, the CRC-32 of its body, the body.

The checksum is zlib's, big-endian. A body is whatever bytes the record was made.
"""

from cython cimport final


cdef enum:
    HEAD = 5                # bytes before the body


@final
cdef class Seal:
    cdef unsigned char _version
    cdef object _refused

    cpdef bytes seal(self, bytes body)
    cpdef bytes unseal(self, bytes value)


cdef class Sealed:
    cdef Seal _seal
    cdef object _encode
    cdef object _decode
