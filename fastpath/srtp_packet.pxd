"""What sealing and opening share: where a payload begins, and the initialisation vectors."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from fastpath.rtp_limits cimport DATAGRAM_BYTES_MAX, HEADER_BYTES
from fastpath.srtp_keys cimport Key

cdef enum:
    RTCP_HEADER_BYTES = 8
    INDEX_BYTES = 4
    ENCRYPTED = 0x80  # the E bit before the SRTCP index
    HALF = 32768  # of the sequence numbers
    FAILED = -1
    REPLAYED = -2

cdef inline uint32_t be32(const uint8_t *p) noexcept nogil:
    return (<uint32_t> p[0] << 24) | (<uint32_t> p[1] << 16) | (<uint32_t> p[2] << 8) | p[3]


cdef inline void put32(uint8_t *p, uint32_t v) noexcept nogil:
    p[0] = <uint8_t> (v >> 24)
    p[1] = <uint8_t> (v >> 16)
    p[2] = <uint8_t> (v >> 8)
    p[3] = <uint8_t> v


cdef inline int is_rtcp(const uint8_t *data, int size) noexcept nogil:
    return size >= RTCP_HEADER_BYTES and 192 <= data[1] <= 223  # RFC 5761 section 4


cdef inline int header_of(const uint8_t *data, int size) noexcept nogil:
    """Octets before the payload (RFC 3550 section 5.1); 0 when it is no RTP."""
    cdef int at
    if size < HEADER_BYTES or size > DATAGRAM_BYTES_MAX or data[0] >> 6 != 2:
        return 0
    at = HEADER_BYTES + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if at + 4 > size:
            return 0
        at += 4 + 4 * ((<int> data[at + 2] << 8) | data[at + 3])
    return at if at <= size else 0


cdef inline void counter_iv(
    const Key *k, uint32_t ssrc, uint32_t high, uint16_t low, uint8_t *iv
) noexcept nogil:
    """RFC 3711 section 4.1.1: salt, SSRC and the 48 bits of the index, before a block counter."""
    cdef int i
    memcpy(iv, &k.salt[0], 14)
    iv[14] = iv[15] = 0
    for i in range(4):
        iv[4 + i] ^= <uint8_t> (ssrc >> (24 - 8 * i))
        iv[8 + i] ^= <uint8_t> (high >> (24 - 8 * i))
    iv[12] ^= <uint8_t> (low >> 8)
    iv[13] ^= <uint8_t> low


cdef inline void gcm_iv(
    const Key *k, uint32_t ssrc, uint32_t high, uint16_t low, uint8_t *iv
) noexcept nogil:
    """RFC 7714 section 8.1: the same, two octets earlier."""
    cdef int i
    memcpy(iv, &k.salt[0], 12)
    for i in range(4):
        iv[2 + i] ^= <uint8_t> (ssrc >> (24 - 8 * i))
        iv[6 + i] ^= <uint8_t> (high >> (24 - 8 * i))
    iv[10] ^= <uint8_t> (low >> 8)
    iv[11] ^= <uint8_t> low
