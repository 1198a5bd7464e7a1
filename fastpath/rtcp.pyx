# cython: auto_pickle=False, autotestdict=False
"""What we report of one stream, and when (RFC 3550 section 6).

- An interval is drawn between half and one and a half times the larger of the minimum and what the
  bandwidth allows, over e - 3/2; before the first report it is half as long (6.3.1). When it has
  passed it is drawn anew, and may turn out not to have passed (timer reconsideration, 6.3.3).
- A packet is a sender report when RTP left since the report before the last one, else a receiver
  report; then our name; then a goodbye at the end (6.1). Each source heard since the last report
  has its block.
- The name is random and lives as long as the call (RFC 7022 section 4.2).
- Goodbyes are said at once: two are no group whose members would all say it together (6.3.7).
"""

from libc.string cimport memcpy, memset

from fastpath.rtcp_read cimport rtcp_read
from fastpath.rtp_host cimport Host, host_of
from fastpath.rtp_limits cimport (
    CNAME_BYTES,
    RTCP_BANDWIDTH,
    RTCP_BYTES_MAX,
    RTCP_MIN_NS,
    SOURCES_MAX,
)
from fastpath.rtp_receive cimport Packet, Source, receiver_connect, receiver_init, receiver_packet
from fastpath.srtp_packet cimport put32

cdef enum:
    SENDER_REPORT = 200
    RECEIVER_REPORT = 201
    DESCRIPTION = 202
    GOODBYE = 203
    CNAME = 1
    BLOCK_BYTES = 24
    SECOND_NS = 1000000000
    # RFC 3550 A.7: an interval is divided by e - 3/2, in 1/100000
    COMPENSATION = 121828
    # seconds from 1900 to 1970
    NTP_EPOCH = 2208988800

cdef const char *LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


cdef void rtcp_init(Rtcp *r, const uint8_t *chance) noexcept nogil:
    """`chance`: 20 random octets, 12 for the name and 8 for the intervals."""
    cdef int i
    cdef uint32_t three
    memset(r, 0, sizeof(Rtcp))
    r.fd = -1
    r.rtt_ns = -1
    for i in range(4):
        three = (chance[3 * i] << 16) | (chance[3 * i + 1] << 8) | chance[3 * i + 2]
        r.cname[4 * i] = <uint8_t> LETTERS[three >> 18]
        r.cname[4 * i + 1] = <uint8_t> LETTERS[(three >> 12) & 63]
        r.cname[4 * i + 2] = <uint8_t> LETTERS[(three >> 6) & 63]
        r.cname[4 * i + 3] = <uint8_t> LETTERS[three & 63]
    memcpy(&r.chance, chance + 12, 8)
    r.chance |= 1
    r.first = 1
    r.size_x16 = 16 * 108  # of a sender report with one block, a name and the overhead


cdef int64_t interval(Rtcp *r, int members) noexcept nogil:
    """The next time between two reports, in ns (RFC 3550 6.3.1 and A.7).

    Both sides of a call send, so that there is no share for senders of their own.
    """
    cdef int64_t by_bandwidth = <int64_t> r.size_x16 * members * SECOND_NS // (16 * RTCP_BANDWIDTH)
    cdef int64_t least = RTCP_MIN_NS // 2 if r.first else RTCP_MIN_NS
    cdef int64_t mean = max(by_bandwidth, least)
    r.chance ^= r.chance << 13
    r.chance ^= r.chance >> 7
    r.chance ^= r.chance << 17
    mean = mean // 2 + <int64_t> ((r.chance >> 44) * <uint64_t> (mean >> 10) >> 10)
    return mean // COMPENSATION * 100000


cdef int members(const Receiver *heard) noexcept nogil:
    cdef int i, count = 1
    for i in range(SOURCES_MAX):
        count += heard.sources[i].used
    return count


cdef void rtcp_start(
    Rtcp *r, Host address, uint16_t port, int mux, int64_t now_ns
) noexcept nogil:
    """Exchange reports with a peer, or with another one from now on."""
    r.address = address
    r.port = port
    r.mux = <uint8_t> mux
    r.heard_port = 0
    r.theirs_bye = 0
    if r.on:
        return
    r.on = 1
    r.last_ns = now_ns
    r.next_ns = now_ns + interval(r, 2)


cdef int rtcp_turn(Rtcp *r, const Receiver *heard, int64_t now_ns) noexcept nogil:
    """Whether a report is due. Call when `next_ns` has come."""
    r.next_ns = r.last_ns + interval(r, members(heard))
    return r.next_ns <= now_ns


cdef void block(const Rtcp *r, Source *s, const Ours *ours, uint8_t *p) noexcept nogil:
    """What we say of one source (6.4.1)."""
    cdef int64_t expected = s.seq_max - s.seq_base + 1
    cdef int64_t received = <int64_t> (s.unique + s.copies)
    cdef int64_t lost = expected - received
    cdef int64_t expected_now = expected - s.expected_told
    cdef int64_t lost_now = expected_now - (received - s.received_told)
    cdef uint32_t fraction = 0
    s.expected_told = expected
    s.received_told = received
    if expected_now > 0 and lost_now > 0:
        fraction = <uint32_t> min(lost_now * 256 // expected_now, 255)
    lost = max(-0x800000, min(lost, 0x7FFFFF))
    put32(p, s.ssrc)
    put32(p + 4, (fraction << 24) | (<uint32_t> lost & 0xFFFFFF))
    put32(p + 8, <uint32_t> s.seq_max)
    put32(p + 12, <uint32_t> (s.jitter_x16 >> 4))
    if r.theirs_ns and r.theirs_ssrc == s.ssrc:
        put32(p + 16, r.theirs_ntp)
        put32(p + 20, <uint32_t> (max(ours.now_ns - r.theirs_ns, 0) * 65536 // SECOND_NS))
    else:
        memset(p + 16, 0, 8)


cdef void head(uint8_t *p, int count, int kind, int size) noexcept nogil:
    p[0] = <uint8_t> (0x80 | count)
    p[1] = <uint8_t> kind
    p[2] = 0
    p[3] = <uint8_t> (size // 4 - 1)


cdef int rtcp_write(
    Rtcp *r, Receiver *heard, const Ours *ours, int bye, uint8_t *out
) noexcept nogil:
    """A report into `out`, of RTCP_BYTES_MAX; its size. The next one is due at `next_ns`."""
    cdef int sends = ours.packets > r.packets_told[1], at = 28 if sends else 8, blocks = 0, i
    cdef int64_t part = ours.wall_ns % SECOND_NS
    put32(out + 4, ours.ssrc)
    if sends:
        put32(out + 8, <uint32_t> (ours.wall_ns // SECOND_NS + NTP_EPOCH))
        put32(out + 12, <uint32_t> ((part << 32) // SECOND_NS))
        put32(out + 16, ours.timestamp)
        put32(out + 20, <uint32_t> ours.packets)
        put32(out + 24, <uint32_t> ours.octets)
    for i in range(SOURCES_MAX):
        if heard.sources[i].used and heard.sources[i].last_ns >= r.last_ns:
            block(r, &heard.sources[i], ours, out + at)
            at += BLOCK_BYTES
            blocks += 1
    head(out, blocks, SENDER_REPORT if sends else RECEIVER_REPORT, at)
    head(out + at, 1, DESCRIPTION, 28)
    put32(out + at + 4, ours.ssrc)
    out[at + 8] = CNAME
    out[at + 9] = CNAME_BYTES
    memcpy(out + at + 10, &r.cname[0], CNAME_BYTES)
    out[at + 26] = out[at + 27] = 0  # the list's end, and up to the next 32 bits
    at += 28
    if bye:
        head(out + at, 1, GOODBYE, 8)
        put32(out + at + 4, ours.ssrc)
        at += 8
    r.packets_told[1] = r.packets_told[0]
    r.packets_told[0] = ours.packets
    r.stamp = ours.timestamp
    r.last_ns = ours.now_ns
    r.first = 0
    r.sent += 1
    rtcp_size(r, at)
    r.next_ns = ours.now_ns + interval(r, members(heard))
    return at


cdef class RtcpSession:
    """One stream's reports without a socket, over a receiver without one."""

    def __init__(self, unsigned int ssrc, const uint8_t[::1] chance, str host, int port):
        if chance.shape[0] != 20:
            raise ValueError("20 random octets")
        self.ssrc = ssrc
        rtcp_init(&self.state, &chance[0])
        receiver_init(&self.heard)
        receiver_connect(&self.heard, host_of(host), <uint16_t> port, -1)

    def start(self, int64_t now_ns):
        rtcp_start(&self.state, 0, 0, 0, now_ns)

    def rtp(self, const uint8_t[::1] packet, int64_t at_ns):
        cdef Packet found
        cdef Receiver *heard = &self.heard
        cdef Host address = heard.latch.address
        receiver_packet(
            heard, &packet[0], <int> packet.shape[0], address, heard.latch.port, at_ns, &found
        )

    def turn(self, int64_t now_ns):
        return bool(rtcp_turn(&self.state, &self.heard, now_ns))

    def write(
        self, int64_t now_ns, int64_t wall_ns, unsigned int timestamp, uint64_t packets,
        uint64_t octets, bint bye=False,
    ):
        cdef Ours ours
        cdef uint8_t out[RTCP_BYTES_MAX]
        ours.ssrc = self.ssrc
        ours.timestamp = timestamp
        ours.packets = packets
        ours.octets = octets
        ours.now_ns = now_ns
        ours.wall_ns = wall_ns
        size = rtcp_write(&self.state, &self.heard, &ours, bye, &out[0])
        return <bytes> out[:size]

    def read(self, const uint8_t[::1] packet, int64_t at_ns, int64_t wall_ns):
        cdef uint8_t nothing = 0
        cdef const uint8_t *start = &packet[0] if packet.shape[0] else &nothing
        cdef int size = <int> min(packet.shape[0], 65536)
        return bool(rtcp_read(&self.state, self.ssrc, start, size, at_ns, wall_ns))

    @property
    def next_ns(self):
        return self.state.next_ns

    def counts(self):
        cdef Rtcp *r = &self.state
        return {
            "sent": r.sent,
            "received": r.received,
            "malformed": r.malformed,
            "reports": r.reports,
            "fraction": r.fraction,
            "lost": r.lost,
            "jitter": r.jitter,
            "highest": r.highest,
            "rtt_ns": r.rtt_ns,
            "bye": bool(r.theirs_bye),
        }
