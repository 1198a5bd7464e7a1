# distutils: libraries = z
"""Sealing: the bytes of a record in a store, see sealing.pxd."""

from types import GenericAlias

from cython cimport final
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t
from libc.string cimport memcpy


cdef extern from "zlib.h" nogil:
    unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned int size)


cdef inline void _write_head(
    unsigned char *head, unsigned char version, const unsigned char *body, Py_ssize_t size
) noexcept nogil:
    cdef uint32_t sum = crc32(0, body, <unsigned int> size)
    head[0] = version
    head[1] = sum >> 24
    head[2] = sum >> 16 & 0xff
    head[3] = sum >> 8 & 0xff
    head[4] = sum & 0xff


@final
cdef class Seal:
    def __init__(self, unsigned char version, object refused):
        self._version = version
        self._refused = refused

    cpdef bytes seal(self, bytes body):
        if body is None:
            raise TypeError("a body is bytes, not None")
        cdef Py_ssize_t size = len(body)
        cdef bytes value = PyBytes_FromStringAndSize(NULL, HEAD + size)
        cdef unsigned char *at = <unsigned char *> PyBytes_AS_STRING(value)
        memcpy(at + HEAD, PyBytes_AS_STRING(body), size)
        _write_head(at, self._version, at + HEAD, size)
        return value

    cpdef bytes unseal(self, bytes value):
        if value is None:
            raise TypeError("a value is bytes, not None")
        cdef Py_ssize_t size = len(value) - HEAD
        cdef const unsigned char *at = <const unsigned char *> PyBytes_AS_STRING(value)
        cdef unsigned char head[HEAD]
        if size >= 0:
            _write_head(head, self._version, at + HEAD, size)
            if head[0] == at[0] and head[1] == at[1] and head[2] == at[2] \
                    and head[3] == at[3] and head[4] == at[4]:
                return PyBytes_FromStringAndSize(<const char *> at + HEAD, size)
        raise self._refused(value)


cdef class Sealed:
    __class_getitem__ = classmethod(GenericAlias)

    def __init__(self, Seal seal not None, object encode, object decode):
        self._seal = seal
        self._encode = encode
        self._decode = decode

    def pack(self, record, /):
        return self._seal.seal(self._encode(record))

    def unpack(self, bytes value not None, /):
        return self._decode(self._seal.unseal(value))
