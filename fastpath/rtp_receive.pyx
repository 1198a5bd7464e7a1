# cython: auto_pickle=False, autotestdict=False
"""What is heard in one stream. The rules, in the order a datagram meets them:

1. RTP version 2 with a sane header (RFC 3550 section 5.1), else it is malformed.
2. The latch (see rtp_latch): else it is foreign.
3. Sequence numbers (see rtp_sources): what came before is a duplicate, what leaps is stale.
4. RFC 4733 events: one event is one (SSRC, timestamp). It is told once: at its first end packet,
   when the next event begins, or after three periods without a packet. A second after its last
   packet it is forgotten, because a player may play the same capture again.
"""

from libc.string cimport memset

from fastpath.rtp_host cimport Host, host_of, host_text
from fastpath.rtp_latch cimport latch_admit, latch_init
from fastpath.rtp_limits cimport (
    DATAGRAM_BYTES_MAX,
    EVENT_BEGIN_NS,
    EVENT_FORGET_NS,
    EVENT_GONE_NS,
    HEADER_BYTES,
    PAYLOAD_NOISE,
    PAYLOAD_PCMA,
    PAYLOAD_PCMU,
)
from fastpath.rtp_sources cimport (
    receiver_expected,
    receiver_jitter_ms,
    receiver_lost,
    receiver_settle,
    source_jitter,
    source_of,
    source_sequence,
)

DIGITS = "0123456789*#ABCD"
VERDICTS = ("audio", "event", "duplicate", "stale", "malformed", "foreign", "other_payload", "rtcp")


# ---- header

cdef inline uint16_t be16(const uint8_t *p) noexcept nogil:
    return <uint16_t> ((p[0] << 8) | p[1])


cdef inline uint32_t be32(const uint8_t *p) noexcept nogil:
    return (<uint32_t> p[0] << 24) | (<uint32_t> p[1] << 16) | (<uint32_t> p[2] << 8) | p[3]


cdef int parse(const uint8_t *data, int size, Packet *p) noexcept nogil:
    """Whether `data` is RTP; fills `p`. RFC 3550 section 5.1."""
    cdef int at, padding = 0
    if size < HEADER_BYTES or size > DATAGRAM_BYTES_MAX or data[0] >> 6 != 2:
        return 0
    at = HEADER_BYTES + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if at + 4 > size:
            return 0
        at += 4 + 4 * be16(data + at + 2)
    if data[0] & 0x20:
        padding = data[size - 1]
        if padding == 0:
            return 0
    if at + padding > size:
        return 0
    p.payload_type = data[1] & 0x7F
    p.marker = data[1] >> 7
    p.seq = be16(data + 2)
    p.timestamp = be32(data + 4)
    p.ssrc = be32(data + 8)
    p.payload_at = <uint16_t> at
    p.payload_bytes = <uint16_t> (size - at - padding)
    return 1


# ---- RFC 4733 events

cdef void remember(Receiver *r, uint32_t ssrc, uint32_t timestamp, int64_t at_ns) noexcept nogil:
    r.history_ssrc[r.history_at] = ssrc
    r.history_timestamp[r.history_at] = timestamp
    r.history_last_ns[r.history_at] = at_ns
    r.history_at = (r.history_at + 1) % HISTORY_MAX
    if r.history_count < HISTORY_MAX:
        r.history_count += 1


cdef int told(Receiver *r, const Packet *p, int64_t at_ns) noexcept nogil:
    """Whether an event was told already, and lately.

    A player that plays a capture again repeats its timestamp: a first packet well after the end is
    the next press of the key, a late copy of any other packet is not.
    """
    cdef int64_t age_ns
    cdef int i
    for i in range(r.history_count):
        if r.history_timestamp[i] == p.timestamp and r.history_ssrc[i] == p.ssrc:
            age_ns = at_ns - r.history_last_ns[i]
            if p.begins and age_ns > EVENT_BEGIN_NS:
                r.history_last_ns[i] = at_ns - EVENT_FORGET_NS - 1
            elif age_ns <= EVENT_FORGET_NS:
                r.history_last_ns[i] = at_ns
                return 1
    return 0


cdef void receiver_tell(Receiver *r, uint8_t code, int64_t at_ns, uint8_t source) noexcept nogil:
    """A key was pressed."""
    r.digits_heard += 1
    if r.digits < DIGITS_OUT_MAX:
        r.digit[r.digits].code = code
        r.digit[r.digits].at_ns = at_ns
        r.digit[r.digits].source = source
        r.digits += 1


cdef void finish_event(Receiver *r) noexcept nogil:
    r.open = 0
    remember(r, r.event_ssrc, r.event_timestamp, r.event_last_ns)
    receiver_tell(r, r.code, r.event_first_ns, FROM_EVENT)


cdef void event(Receiver *r, const Packet *p, const uint8_t *body, int64_t at_ns) noexcept nogil:
    """One event packet that is no repeat. RFC 4733 sections 2.3 and 2.5."""
    cdef uint8_t code = body[0]
    cdef int end = body[1] >> 7
    cdef uint16_t duration = be16(body + 2)
    cdef uint32_t after
    cdef int same_source = r.open and r.event_ssrc == p.ssrc
    if told(r, p, at_ns):
        return
    if same_source and r.event_timestamp != p.timestamp:
        after = p.timestamp - r.event_timestamp
        if r.code == code and r.duration == 0xFFFF and after == 0xFFFF:
            # 2.5.1.3: an event too long for its duration field goes on as the next segment
            remember(r, r.event_ssrc, r.event_timestamp, at_ns)
            r.event_timestamp = p.timestamp
            r.duration = 0
        elif <int32_t> after < 0:
            # all its packets were late: told before the open one, in the order of pressing
            remember(r, p.ssrc, p.timestamp, at_ns)
            if code < 16:
                receiver_tell(r, code, at_ns, FROM_EVENT)
            return
    if not same_source or r.event_timestamp != p.timestamp:
        if r.open:
            finish_event(r)
        if code >= 16:  # hook flash and other events are no digits
            return
        r.open = 1
        r.code = code
        r.event_ssrc = p.ssrc
        r.event_timestamp = p.timestamp
        r.event_first_ns = at_ns
        r.duration = 0
    r.event_last_ns = at_ns
    if duration > r.duration:
        r.duration = duration
    if end:
        finish_event(r)


# ---- the receiver

cdef void receiver_init(Receiver *r) noexcept nogil:
    memset(r, 0, sizeof(Receiver))
    r.event_type = r.audio_type = -1
    latch_init(&r.latch, 0, 0)


cdef void receiver_connect(
    Receiver *r, Host address, uint16_t port, int event_type
) noexcept nogil:
    """Learn a peer anew. Counts and the events told so far stay."""
    latch_init(&r.latch, address, port)
    r.event_type = <int16_t> event_type


cdef int receiver_packet(
    Receiver *r,
    const uint8_t *data,
    int size,
    Host address,
    uint16_t port,
    int64_t at_ns,
    Packet *packet,
) noexcept nogil:
    """Judge one datagram, account for it and take the digit out of it."""
    cdef Source *s
    cdef int fresh, verdict = AUDIO
    if size >= 4 and data[0] >> 6 == 2 and 192 <= data[1] <= 223:  # RFC 5761 section 4
        r.rtcp += 1
        return RTCP
    if not parse(data, size, packet):
        r.malformed += 1
        return MALFORMED
    if not latch_admit(&r.latch, address, port, packet.ssrc, packet.seq, at_ns):
        r.foreign += 1
        return FOREIGN
    r.received += 1
    r.heard_ns = at_ns
    packet.begins = (
        packet.marker
        and packet.payload_type == r.event_type
        and packet.payload_bytes >= 4
        and not data[packet.payload_at + 1] >> 7
    )
    s = source_of(r, packet.ssrc, packet.seq, &fresh)
    if not fresh:
        verdict = source_sequence(r, s, packet, at_ns)
    s.last_ns = at_ns
    if verdict == DUPLICATE:
        return verdict
    if packet.payload_type == r.event_type:  # a stale one too: events have a memory of their own
        if packet.payload_bytes < 4:
            r.malformed += 1
            return MALFORMED
        event(r, packet, data + packet.payload_at, at_ns)
        return EVENT if verdict == AUDIO else verdict
    if verdict != AUDIO:
        return verdict
    if packet.payload_type == r.audio_type:
        packet.payload_type = r.audio_law
    if packet.payload_type not in (PAYLOAD_PCMU, PAYLOAD_PCMA, PAYLOAD_NOISE):
        r.other_payload += 1
        return OTHER_PAYLOAD
    source_jitter(s, packet.timestamp, at_ns)
    r.source_last = <uint8_t> (s - &r.sources[0])
    return AUDIO


cdef void receiver_tick(Receiver *r, int64_t now_ns) noexcept nogil:
    """Tell a digit whose end packets were all lost. Call after the socket was emptied."""
    if r.open and now_ns - r.event_last_ns > EVENT_GONE_NS:
        finish_event(r)


cdef class RtpReceiver:
    """One stream's receiver without a socket."""

    def __cinit__(self):
        receiver_init(&self.state)

    def connect(self, str host, int port, int event_type=-1):
        if not 0 < port < 65536:
            raise ValueError(f"not a port: {port}")
        receiver_connect(&self.state, host_of(host), <uint16_t> port, event_type)

    def packet(self, const uint8_t[::1] data, tuple source, int64_t at_ns):
        cdef uint8_t nothing = 0
        cdef Packet packet
        cdef const uint8_t *start = &data[0] if data.shape[0] else &nothing
        cdef int size = <int> min(data.shape[0], 65536)
        cdef Host address = host_of(source[0])
        cdef uint16_t port = source[1]
        verdict = receiver_packet(&self.state, start, size, address, port, at_ns, &packet)
        return VERDICTS[verdict]

    def tick(self, int64_t now_ns):
        receiver_tick(&self.state, now_ns)

    def digits(self):
        cdef int i
        cdef DigitOut *digit = &self.state.digit[0]
        heard = [(DIGITS[digit[i].code], digit[i].at_ns) for i in range(self.state.digits)]
        self.state.digits = 0
        return heard

    @property
    def peer(self):
        return (host_text(self.state.latch.address), self.state.latch.port)

    @property
    def locked(self):
        return bool(self.state.latch.locked)

    def counts(self):
        cdef Receiver settled = self.state
        cdef Receiver *r = &settled
        receiver_settle(r)
        return {
            "received": r.received,
            "expected": receiver_expected(r),
            "loss_runs": r.loss_runs,
            "loss_run_max": r.loss_run_max,
            "lost": receiver_lost(r),
            "duplicates": r.duplicates,
            "reordered": r.reordered,
            "stale": r.stale,
            "foreign": r.foreign,
            "malformed": r.malformed,
            "other_payload": r.other_payload,
            "rtcp": r.rtcp,
            "source_changes": r.source_changes,
            "digits_heard": r.digits_heard,
        }

    @property
    def jitter_ms(self):
        return receiver_jitter_ms(&self.state)
