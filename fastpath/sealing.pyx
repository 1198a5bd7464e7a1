# distutils: libraries = z
"""Sealing: the bytes of a record in a store, see sealing.pxd."""

from types import GenericAlias

from cython cimport final
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t
from libc.string cimport memcpy


# zlib takes 1 ns a byte. Carry-less multiplications fold 16 bytes into the next 16 at a time
# (V. Gopal et al., Fast CRC Computation Using PCLMULQDQ, Intel 2009); what is left over, and
# short bodies, are zlib's.
cdef extern from *:
    """
    #include <stddef.h>
    #include <zlib.h>
    #if defined(__x86_64__)
    #include <immintrin.h>

    /* x^n mod P, bits reversed: the multipliers of a fold by 128 bits, and of 64 to 32 bits; then
       P itself and the quotient of x^64 by it. */
    static const unsigned long long FOLD[2] = {0x1751997d0, 0x0ccaa009e};
    static const unsigned long long LAST[2] = {0x163cd6124, 0};
    static const unsigned long long BARRETT[2] = {0x1db710641, 0x1f7011641};

    /* Of whole blocks of 16 bytes, at least one. */
    __attribute__((target("pclmul,sse4.1")))
    static unsigned long folded(const unsigned char *data, size_t size) {
        const __m128i fold = _mm_loadu_si128((const __m128i *) FOLD);
        const __m128i last = _mm_loadu_si128((const __m128i *) LAST);
        const __m128i barrett = _mm_loadu_si128((const __m128i *) BARRETT);
        const __m128i low = _mm_setr_epi32(-1, 0, -1, 0);
        __m128i sum = _mm_xor_si128(
            _mm_loadu_si128((const __m128i *) data), _mm_cvtsi32_si128(-1));
        while (size -= 16) {
            data += 16;
            sum = _mm_xor_si128(
                _mm_xor_si128(
                    _mm_clmulepi64_si128(sum, fold, 0x00), _mm_clmulepi64_si128(sum, fold, 0x11)),
                _mm_loadu_si128((const __m128i *) data));
        }
        sum = _mm_xor_si128(_mm_clmulepi64_si128(sum, fold, 0x10), _mm_srli_si128(sum, 8));
        sum = _mm_xor_si128(
            _mm_clmulepi64_si128(_mm_and_si128(sum, low), last, 0x00), _mm_srli_si128(sum, 4));
        __m128i rest = _mm_clmulepi64_si128(_mm_and_si128(sum, low), barrett, 0x10);
        rest = _mm_clmulepi64_si128(_mm_and_si128(rest, low), barrett, 0x00);
        return ~(unsigned int) _mm_extract_epi32(_mm_xor_si128(sum, rest), 1) & 0xffffffffUL;
    }

    static int folds(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
    }
    #else
    static unsigned long folded(const unsigned char *data, size_t size) {
        return crc32(0, data, (unsigned int) size);
    }
    static int folds(void) { return 0; }
    #endif
    """
    unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned int size) nogil
    unsigned long folded(const unsigned char *data, size_t size) nogil
    int folds() nogil


cdef bint FOLDS = folds() != 0


cdef inline uint32_t _checksum(const unsigned char *body, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t whole = size & ~15
    if not FOLDS or not whole:
        return crc32(0, body, <unsigned int> size)
    if whole == size:
        return folded(body, whole)
    return crc32(folded(body, whole), body + whole, <unsigned int> (size - whole))


cdef inline void _write_head(
    unsigned char *head, unsigned char version, const unsigned char *body, Py_ssize_t size
) noexcept nogil:
    cdef uint32_t sum = _checksum(body, size)
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
