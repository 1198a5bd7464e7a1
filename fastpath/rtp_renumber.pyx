# cython: auto_pickle=False, autotestdict=False
"""Our peer hears one source, whoever speaks (as a translator does, RFC 3550 section 7.1):

    numbers    Gaps are kept, so that the far end sees and conceals the losses of the near one. A
               late packet gets the number that was left for it; one from before the mapping began,
               or behind a roll-over of our numbers (it would be sealed with the wrong index, RFC
               3711 3.3.1), is left out. What is not passed on (keys that the peer did not agree
               on) uses up no number.
    times      Timestamps keep their distances: silence that was not sent stays a gap, and an event
               keeps its one timestamp.
    anew       Another SSRC, a leap of numbers or 2 s of timestamps: the mapping begins anew where
               our own time is now, never before the end of what was said, with the marker.
    ends       200 ms without packets, a prompt or keys of ours: the sender goes on behind what was
               passed, with the next number; its time does not jump back.
    law        Payloads are untouched when both peers speak the same law, else translated by table.
"""

from libc.stdint cimport int32_t
from libc.string cimport memcpy, memset

from fastpath.g711 cimport alaw_linear, linear_alaw, linear_ulaw, ulaw_linear
from fastpath.rtp_limits cimport (
    FRAME_BYTES,
    HEADER_BYTES,
    PARCEL_BYTES_MAX,
    PAYLOAD_NOISE,
    PAYLOAD_PCMU,
    REORDER_WINDOW,
)

cdef enum:
    IDLE_FRAMES = 10  # without a packet: 200 ms
    LAG_MAX = 16000  # samples between a peer's timestamps and our time: more is a jump

cdef extern from *:
    int popcount64 "__builtin_popcountll"(unsigned long long) noexcept nogil

cdef uint8_t[256] ulaw_to_alaw
cdef uint8_t[256] alaw_to_ulaw


cdef void fill_tables() noexcept nogil:
    cdef int i
    for i in range(256):
        ulaw_to_alaw[i] = linear_alaw[<uint16_t> ulaw_linear[i]]
        alaw_to_ulaw[i] = linear_ulaw[<uint16_t> alaw_linear[i]]


fill_tables()


cdef void renumber_settle(Renumber *r, Sender *o) noexcept nogil:
    """Nothing passes any more: the sender goes on behind what was passed."""
    cdef int32_t ahead = <int32_t> (r.end - (o.timestamp_base + r.frame * <uint32_t> FRAME_BYTES))
    if not r.live:
        return
    if r.ended and ahead > 0:
        o.timestamp_base += <uint32_t> ahead
    r.live = 0
    o.flowing = 0


cdef int renumber_idle(const Renumber *r) noexcept nogil:
    """Whether no packet passed for 200 ms."""
    return r.live and r.frame - r.live_frame > IDLE_FRAMES


cdef void anchor(Renumber *r, const Sender *o, const Parcel *p) noexcept nogil:
    """Map this packet to our next number and to our own time."""
    cdef uint32_t at = o.timestamp_base + (r.frame + 1) * <uint32_t> FRAME_BYTES
    if r.live and r.ended and <int32_t> (r.end - at) > 0:
        at = r.end
    r.live = 1
    r.ssrc = p.ssrc
    r.seq = p.seq
    r.span = 1
    r.eaten = 0
    r.offset = at - p.timestamp


cdef int number(
    Renumber *r, Sender *o, const Parcel *p, int eat, uint16_t *seq, int *fresh
) noexcept nogil:
    """The number of a packet toward this peer; 0 when it is not passed on."""
    cdef uint16_t ahead = <uint16_t> (p.seq - r.seq)
    cdef int back = 65536 - ahead
    cdef int32_t lag = <int32_t> (
        p.timestamp + r.offset - o.timestamp_base - r.frame * <uint32_t> FRAME_BYTES
    )
    fresh[0] = 0
    if r.live and p.ssrc == r.ssrc and (p.event or -LAG_MAX < lag < LAG_MAX):
        if 0 < ahead < REORDER_WINDOW:
            r.seq = p.seq
            r.span = min(r.span + ahead, REORDER_WINDOW)
            r.eaten = (r.eaten << ahead) | <uint64_t> eat
            o.seq += <uint16_t> (ahead - 1)
            seq[0] = o.seq
            o.seq += <uint16_t> (not eat)
            return not eat
        if back < r.span:
            back -= popcount64(r.eaten & ((<uint64_t> 1 << back) - 1))
            seq[0] = <uint16_t> (o.seq - 1 - back)
            return not eat and seq[0] <= <uint16_t> (o.seq - 1)
        if back < REORDER_WINDOW:
            return 0
    if eat:
        return 0
    anchor(r, o, p)
    seq[0] = o.seq
    o.seq += 1
    fresh[0] = 1
    return 1


cdef void translate(uint8_t *into, const Parcel *p, uint8_t law) noexcept nogil:
    cdef const uint8_t *table = &alaw_to_ulaw[0]
    cdef int i
    if p.event or p.payload_type == PAYLOAD_NOISE or p.payload_type == law:
        memcpy(into, &p.body[0], p.size)
        return
    if p.payload_type == PAYLOAD_PCMU:
        table = &ulaw_to_alaw[0]
    for i in range(p.size):
        into[i] = table[p.body[i]]


cdef inline void put32(uint8_t *p, uint32_t v) noexcept nogil:
    p[0] = <uint8_t> (v >> 24)
    p[1] = <uint8_t> (v >> 16)
    p[2] = <uint8_t> (v >> 8)
    p[3] = <uint8_t> v


cdef int renumber(
    Renumber *r, Sender *o, const Parcel *p, int events, uint8_t *into, uint32_t *timestamp
) noexcept nogil:
    """Write the packet for our peer."""
    cdef uint16_t seq = 0
    cdef uint32_t length = p.size
    cdef int fresh = 0, kind = o.wire_type
    if not number(r, o, p, p.event and not (events and o.event_type >= 0), &seq, &fresh):
        return 0
    if p.event:
        kind = o.event_type
        fresh = 0
        length = <uint32_t> ((p.body[2] << 8) | p.body[3])
    elif p.payload_type == PAYLOAD_NOISE:
        kind = PAYLOAD_NOISE
        length = 0
    timestamp[0] = p.timestamp + r.offset
    into[0] = 0x80
    into[1] = <uint8_t> (kind | ((p.marker or fresh) << 7))
    into[2] = <uint8_t> (seq >> 8)
    into[3] = <uint8_t> seq
    put32(into + 4, timestamp[0])
    put32(into + 8, o.ssrc)
    translate(into + HEADER_BYTES, p, o.payload_type)
    if not r.ended or fresh or <int32_t> (timestamp[0] + length - r.end) > 0:
        r.end = timestamp[0] + length
    r.ended = 1
    r.live_frame = r.frame
    return HEADER_BYTES + p.size


cdef int fill(void *state, uint32_t _frame, uint8_t _law, uint8_t *_audio) noexcept nogil:
    return -1 if (<Renumber *> state).live else 0


cdef class RtpRelay(RtpSender):
    """One end of a bridge by itself."""

    def __init__(self, unsigned int ssrc, unsigned short seq, unsigned int timestamp):
        RtpSender.__init__(self, ssrc, seq, timestamp)
        memset(&self.numbers, 0, sizeof(Renumber))
        self.state.feed.state = &self.numbers
        self.state.feed.fill = fill

    cdef int busy(self) noexcept:
        return self.state.paused or self.state.prompt != NULL or self.state.digit_count

    def pass_on(
        self,
        unsigned short seq,
        unsigned int timestamp,
        unsigned int ssrc,
        unsigned char payload_type,
        const uint8_t[::1] body,
        *,
        bint event=False,
        bint marker=False,
        bint events=True,
    ):
        cdef uint8_t out[HEADER_BYTES + PARCEL_BYTES_MAX]
        cdef uint32_t at = 0
        cdef int size
        cdef Parcel p
        if body.shape[0] > PARCEL_BYTES_MAX or (event and body.shape[0] < 4):
            raise ValueError(f"a payload of {body.shape[0]} octets")
        if self.busy():
            renumber_settle(&self.numbers, &self.state)
            return None
        p.ssrc, p.timestamp, p.seq, p.size = ssrc, timestamp, seq, <uint16_t> body.shape[0]
        p.payload_type, p.event, p.marker = payload_type, event, marker
        if p.size:
            memcpy(&p.body[0], &body[0], p.size)
        size = renumber(&self.numbers, &self.state, &p, events, &out[0], &at)
        return <bytes> out[:size] if size else None

    def frame(self, unsigned int number):
        self.numbers.frame = number
        if self.busy() or renumber_idle(&self.numbers):
            renumber_settle(&self.numbers, &self.state)
        return RtpSender.frame(self, number)
