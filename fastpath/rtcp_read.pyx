# cython: auto_pickle=False, autotestdict=False
"""The peer's reports. The rules:

- A datagram is judged whole before anything of it counts (RFC 3550 A.2): version 2 throughout, a
  sender or receiver report first, lengths that add up, padding in the last packet only.
- Of the blocks only the one about us counts; kinds nobody agreed on are passed over.
- The way there and back is now - LSR - DLSR (6.4.1); what is negative or absurd is not.
"""

from libc.stdint cimport int32_t

from fastpath.rtcp cimport rtcp_size
from fastpath.rtp_limits cimport DATAGRAM_BYTES_MAX, RTCP_RTT_NS_MAX
from fastpath.srtp_packet cimport be32

cdef enum:
    SENDER_REPORT = 200
    RECEIVER_REPORT = 201
    GOODBYE = 203
    BLOCK_BYTES = 24
    SECOND_NS = 1000000000
    NTP_EPOCH = 2208988800


cdef inline int length_of(const uint8_t *p) noexcept nogil:
    """Octets of one packet of a compound."""
    return 4 * (((p[2] << 8) | p[3]) + 1)


cdef int room_of(const uint8_t *p) noexcept nogil:
    """Octets that a packet's count of blocks or sources needs at least."""
    cdef int count = p[0] & 0x1F
    if p[1] == SENDER_REPORT:
        return 28 + BLOCK_BYTES * count
    if p[1] == RECEIVER_REPORT:
        return 8 + BLOCK_BYTES * count
    if p[1] == GOODBYE:
        return 4 + 4 * count
    return 4


cdef int sound(const uint8_t *data, int size) noexcept nogil:
    """Whether a datagram is a compound packet (A.2)."""
    cdef int at = 0, length, padding
    if size < 8 or size > DATAGRAM_BYTES_MAX or size % 4:
        return 0
    if data[1] != SENDER_REPORT and data[1] != RECEIVER_REPORT:
        return 0
    while at < size:
        if size - at < 4 or data[at] >> 6 != 2:
            return 0
        length = length_of(data + at)
        if length > size - at:
            return 0
        padding = 0
        if data[at] & 0x20:
            padding = data[size - 1]
            if at + length != size or padding == 0 or padding % 4 or padding > length - 4:
                return 0
        if room_of(data + at) > length - padding:
            return 0
        at += length
    return 1


cdef void block_read(Rtcp *r, const uint8_t *p, int64_t wall_ns) noexcept nogil:
    """What they say of us."""
    cdef uint32_t now, lsr = be32(p + 16), dlsr = be32(p + 20)
    cdef int32_t lost = <int32_t> (be32(p + 4) << 8) >> 8
    cdef int64_t rtt
    r.reports += 1
    r.fraction = p[4]
    r.lost = lost
    r.highest = be32(p + 8)
    r.jitter = be32(p + 12)
    if lsr == 0:
        return
    now = <uint32_t> ((wall_ns // SECOND_NS + NTP_EPOCH) << 16)
    now += <uint32_t> (((wall_ns % SECOND_NS) << 16) // SECOND_NS)
    rtt = <int64_t> <int32_t> (now - lsr - dlsr) * SECOND_NS // 65536
    if -SECOND_NS // 1000 <= rtt <= RTCP_RTT_NS_MAX:  # clocks are read to a 65536th of a second
        r.rtt_ns = max(rtt, 0)


cdef int rtcp_read(
    Rtcp *r, uint32_t ssrc, const uint8_t *data, int size, int64_t at_ns, int64_t wall_ns
) noexcept nogil:
    """Take a datagram's reports, about our `ssrc`; 0 when it is malformed.

    `wall_ns` is CLOCK_REALTIME of its arrival `at_ns`.
    """
    cdef const uint8_t *p = data
    cdef const uint8_t *blocks
    cdef int i
    if not sound(data, size):
        r.malformed += 1
        return 0
    r.received += 1
    rtcp_size(r, size)
    while p < data + size:
        if p[1] == SENDER_REPORT:
            r.theirs_ssrc = be32(p + 4)
            r.theirs_ntp = (be32(p + 8) << 16) | (be32(p + 12) >> 16)
            r.theirs_ns = at_ns
        elif p[1] == GOODBYE:
            r.theirs_bye = 1
        if p[1] == SENDER_REPORT or p[1] == RECEIVER_REPORT:
            blocks = p + (28 if p[1] == SENDER_REPORT else 8)
            for i in range(p[0] & 0x1F):
                if be32(blocks + i * BLOCK_BYTES) == ssrc:
                    block_read(r, blocks + i * BLOCK_BYTES, wall_ns)
        p += length_of(p)
    return 1
