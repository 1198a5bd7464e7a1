"""What the peer's RTCP says (RFC 3550 section 6.4 to 6.6). Pure; nothing allocates."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from fastpath.rtcp cimport Rtcp

cdef int rtcp_read(
    Rtcp *r, uint32_t ssrc, const uint8_t *data, int size, int64_t at_ns, int64_t wall_ns
) noexcept nogil
