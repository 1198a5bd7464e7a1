# cython: auto_pickle=False, autotestdict=False
"""What is said in one stream, one frame of 20 ms at a time:

    digits waiting  ->  RFC 4733 event packets: the first packet three times at once, with the
                        marker; then one each frame, with a growing duration and the same
                        timestamp; the end packet in three frames. Then the gap, in silence.
                        The prompt waits. A peer that knows no events hears the key's tones;
                        frames that were never sent do not cut them in two.
    a chain of      ->  their next frame, the marker on the first of all: one prompt follows another
    prompts             in the next frame
    a feed          ->  what it fills in: what is heard said back, another leg, a conference
    paused          ->  nothing: prompt, digits and gaps wait where they are
    none of them    ->  a frame of G.711 silence when `comfort` is on, else nothing: carriers take
                        a silent sender for a dead one, and NAT bindings stay open

The timestamp is that of the frame's place in time, so it goes on through silence and through
frames that were never sent.
"""

from libc.string cimport memcpy, memset

from fastpath.atomics cimport add32
from fastpath.dtmf_make cimport dtmf_tone
from fastpath.g711 cimport alaw_linear, linear_alaw, linear_ulaw, ulaw_linear
from fastpath.rtp_limits cimport (
    DIGIT_FRAMES_MAX,
    DIGIT_FRAMES_MIN,
    DYNAMIC_MIN,
    FRAME_BYTES,
    FRAME_MS,
    HEADER_BYTES,
    PAYLOAD_NOISE,
    PAYLOAD_PCMA,
    PAYLOAD_PCMU,
)
from fastpath.rtp_prompts cimport SILENCE_PCMA, SILENCE_PCMU, Prompts

DIGITS = "0123456789*#ABCD"

cdef enum:
    VOLUME = 10  # -10 dBm0, RFC 4733 section 2.3.3
    EVENT_BYTES = 16


cdef void sender_init(Sender *s, uint32_t ssrc, uint16_t seq, uint32_t timestamp) noexcept nogil:
    memset(s, 0, sizeof(Sender))
    s.ssrc = ssrc
    s.seq = s.seq_first = seq
    s.timestamp_base = timestamp
    s.event_type = -1


cdef void sender_connect(
    Sender *s, int law, int payload_type, int event_type, int comfort
) noexcept nogil:
    s.payload_type = <uint8_t> law
    s.wire_type = <uint8_t> payload_type
    s.event_type = <int16_t> event_type
    s.comfort = <uint8_t> comfort


cdef void sender_play(Sender *s, const Chain *chain, int64_t token, int loop) noexcept nogil:
    """Play from the next frame on, instead of what plays."""
    cdef int i
    sender_stop(s)
    for i in range(chain.count):
        add32(&chain.link[i].users, 1)
        s.chain.link[i] = chain.link[i]
    s.chain.count = chain.count
    s.link = 0
    s.prompt = chain.link[0]
    s.play_token = token
    s.loop = <uint8_t> loop
    s.position = 0
    s.speaking = 0


cdef void sender_stop(Sender *s) noexcept nogil:
    """Stop without a PlayEnded."""
    cdef int i
    if s.prompt != NULL:
        for i in range(s.chain.count):
            add32(&s.chain.link[i].users, -1)
        s.prompt = NULL
    s.play_ended = 0


cdef int sender_digits(Sender *s, const DigitBatch *batch) noexcept nogil:
    """Queue digits; 0 when they do not fit."""
    cdef int i
    if batch.count > DIGITS_MAX - s.digit_count:
        return 0
    for i in range(batch.count):
        s.digit[(s.digit_at + s.digit_count) % DIGITS_MAX] = batch.digit[i]
        s.digit_count += 1
    return 1


cdef void sender_pause(Sender *s, int on) noexcept nogil:
    """Say nothing until told otherwise. A digit that is being sent counts as pressed.

    Its event would look like a second one to a peer that hears the rest of it much later.
    """
    cdef DigitIn *d = &s.digit[s.digit_at]
    cdef int last = d.on_frames + d.gap_frames - 1
    cdef int over = d.on_frames if s.digit_sounds else d.on_frames - 1 + DIGIT_COPIES
    s.paused = <uint8_t> on
    if on and s.digit_count and s.digit_step:
        s.digit_step = <uint16_t> max(<int> s.digit_step, min(over, last))


cdef inline void put32(uint8_t *p, uint32_t v) noexcept nogil:
    p[0] = <uint8_t> (v >> 24)
    p[1] = <uint8_t> (v >> 16)
    p[2] = <uint8_t> (v >> 8)
    p[3] = <uint8_t> v


cdef uint8_t *packet(
    Sender *s, Outbox *out, int kind, int marker, uint32_t timestamp, int size
) noexcept nogil:
    """Begin the frame's next packet; returns where its payload goes."""
    cdef uint8_t *p = &out.data[out.count][0]
    p[0] = 0x80
    p[1] = <uint8_t> (kind | (marker << 7))
    p[2] = <uint8_t> (s.seq >> 8)
    p[3] = <uint8_t> s.seq
    put32(p + 4, timestamp)
    put32(p + 8, s.ssrc)
    s.seq += 1
    out.size[out.count] = size
    out.count += 1
    return p + HEADER_BYTES


cdef void event_packet(
    Sender *s, Outbox *out, const DigitIn *d, int marker, int end, int frames
) noexcept nogil:
    """RFC 4733 section 2.3."""
    cdef uint8_t *body = packet(s, out, s.event_type, marker, s.digit_timestamp, EVENT_BYTES)
    cdef int duration = frames * FRAME_BYTES
    body[0] = d.code
    body[1] = <uint8_t> ((end << 7) | VOLUME)
    body[2] = <uint8_t> (duration >> 8)
    body[3] = <uint8_t> duration


cdef void tone_packet(Sender *s, Outbox *out, uint32_t timestamp, const DigitIn *d) noexcept nogil:
    """A frame of a key's tones, as audio."""
    cdef const uint8_t *law = (
        &linear_alaw[0] if s.payload_type == PAYLOAD_PCMA else &linear_ulaw[0]
    )
    cdef uint8_t *body = packet(s, out, s.wire_type, not s.flowing, timestamp, PACKET_BYTES)
    cdef int16_t samples[FRAME_BYTES]
    cdef int i
    dtmf_tone(d.code, s.digit_step * FRAME_BYTES, &samples[0], FRAME_BYTES)
    for i in range(FRAME_BYTES):
        body[i] = law[<uint16_t> samples[i]]


cdef int digit_frame(
    Sender *s, uint32_t frame, uint32_t timestamp, Outbox *out
) noexcept nogil:
    """One frame of the first digit waiting; 0 when it is one of the gap's silence."""
    cdef DigitIn *d = &s.digit[s.digit_at]
    cdef int _copy, step, tone = 1
    if s.digit_sounds and 0 < s.digit_step < d.on_frames and frame != s.digit_last + 1:
        # its tones were cut, and would be two keys: it was pressed, or is pressed anew
        s.digit_step = d.on_frames if s.digit_step >= DIGIT_FRAMES_MIN else 0
    s.digit_last = frame
    step = s.digit_step
    if step == 0:
        s.digit_timestamp = timestamp
        s.digit_sounds = s.event_type < 0
    if s.digit_sounds:
        tone = step < d.on_frames
        if tone:
            tone_packet(s, out, timestamp, d)
    elif s.event_type < 0:  # the peer forgot events in the middle of this one
        tone = 0
    elif step == 0:
        for _copy in range(DIGIT_COPIES):
            event_packet(s, out, d, 1, 0, 1)
    elif step < d.on_frames - 1:
        event_packet(s, out, d, 0, 0, step + 1)
    elif step < d.on_frames - 1 + DIGIT_COPIES:
        event_packet(s, out, d, 0, 1, d.on_frames)
    else:
        tone = 0
    s.digit_step += 1
    if s.digit_step == d.on_frames + d.gap_frames:
        s.digits_sent += 1
        if d.last:
            s.digits_ended = 1
            s.digits_token = d.token
        s.digit_step = 0
        s.digit_at = (s.digit_at + 1) % DIGITS_MAX
        s.digit_count -= 1
    return tone


cdef void next_link(Sender *s) noexcept nogil:
    """Begin the chain's next prompt, or its first again; nothing when that was all."""
    if s.link + 1 == s.chain.count and not s.loop:
        return
    s.link = (s.link + 1) % s.chain.count
    s.prompt = s.chain.link[s.link]
    s.position = 0


cdef void prompt_frame(
    Sender *s, uint32_t frame, uint32_t timestamp, Outbox *out
) noexcept nogil:
    cdef const uint8_t *audio = s.prompt.pcma if s.payload_type == PAYLOAD_PCMA else s.prompt.pcmu
    cdef int marker = not s.speaking
    cdef uint8_t *body = packet(s, out, s.wire_type, marker, timestamp, PACKET_BYTES)
    memcpy(body, audio + <size_t> s.position * FRAME_BYTES, FRAME_BYTES)
    s.position += 1
    s.speaking = 1
    s.flowing = 1
    if s.feed.over and s.feed.fill != NULL:
        add_feed(s, frame, body)


cdef void add_feed(Sender *s, uint32_t frame, uint8_t *body) noexcept nogil:
    """What the feed says over the prompt's frame, the sum cut to 16 bits."""
    cdef int alaw = s.payload_type == PAYLOAD_PCMA
    cdef const int16_t *linear = &alaw_linear[0] if alaw else &ulaw_linear[0]
    cdef const uint8_t *law = &linear_alaw[0] if alaw else &linear_ulaw[0]
    cdef uint8_t audio[FRAME_BYTES]
    cdef int i, sum
    if s.feed.fill(s.feed.state, frame, s.payload_type, &audio[0]) <= 0:
        return
    for i in range(FRAME_BYTES):
        sum = linear[body[i]] + linear[audio[i]]
        body[i] = law[<uint16_t> <int16_t> min(max(sum, -32768), 32767)]


cdef void sender_frame(Sender *s, uint32_t frame, Outbox *out) noexcept nogil:
    """The packets of one frame; a prompt that ended before it is flagged in `play_ended`."""
    cdef uint32_t timestamp = s.timestamp_base + frame * <uint32_t> FRAME_BYTES
    cdef uint8_t *body
    cdef uint8_t audio[FRAME_BYTES]
    cdef int silence, filled, pressing = s.digit_count
    out.count = 0
    if s.paused:
        s.flowing = s.speaking = 0
        return
    if pressing and digit_frame(s, frame, timestamp, out):
        s.flowing = out.size[0] == PACKET_BYTES
        s.speaking = 0
        return
    if s.prompt != NULL and not pressing:
        if s.position == s.prompt.frames:
            next_link(s)
        if s.position < s.prompt.frames:
            prompt_frame(s, frame, timestamp, out)
            return
        sender_stop(s)
        s.play_ended = 1
    s.speaking = 0
    if s.feed.fill != NULL and not pressing:
        filled = s.feed.fill(s.feed.state, frame, s.payload_type, &audio[0])
        if filled < 0:
            return
        if filled:
            body = packet(s, out, s.wire_type, not s.flowing, timestamp, PACKET_BYTES)
            memcpy(body, &audio[0], FRAME_BYTES)
            s.flowing = 1
            return
    if s.comfort:
        silence = SILENCE_PCMA if s.payload_type == PAYLOAD_PCMA else SILENCE_PCMU
        body = packet(s, out, s.wire_type, not s.flowing, timestamp, PACKET_BYTES)
        memset(body, silence, FRAME_BYTES)
        s.flowing = 1
    else:
        s.flowing = 0


# ---- digits

cdef int digits_fill(
    DigitBatch *batch, str digits, int64_t token, int on_ms, int gap_ms
) except -1:
    """The digits of one send_digits. ValueError on nonsense."""
    cdef int i, code
    cdef int on_frames = (on_ms + FRAME_MS - 1) // FRAME_MS
    cdef int gap_frames = (gap_ms + FRAME_MS - 1) // FRAME_MS
    for name, frames in (("on_ms", on_frames), ("gap_ms", gap_frames)):
        if not DIGIT_FRAMES_MIN <= frames <= DIGIT_FRAMES_MAX:
            low, high = DIGIT_FRAMES_MIN * FRAME_MS, DIGIT_FRAMES_MAX * FRAME_MS
            raise ValueError(f"{name} must be between {low} and {high}")
    if not 1 <= len(digits) <= DIGITS_MAX:
        raise ValueError(f"one to {DIGITS_MAX} digits at a time, not {len(digits)}")
    batch.count = <int> len(digits)
    for i in range(batch.count):
        code = DIGITS.find(digits[i].upper())
        if code < 0:
            raise ValueError(f"not digits (0-9 * # A-D): {digits!r}")
        batch.digit[i].code = <uint8_t> code
        batch.digit[i].token = token
        batch.digit[i].on_frames = <uint8_t> on_frames
        batch.digit[i].gap_frames = <uint8_t> gap_frames
        batch.digit[i].last = i == batch.count - 1
    return 0


cdef int check_types(int law, int payload_type, int event_type) except -1:
    """ValueError unless these are what an SDP can agree on."""
    if law not in (PAYLOAD_PCMU, PAYLOAD_PCMA):
        raise ValueError(f"not a payload type of G.711: {law}")
    if payload_type != law and not DYNAMIC_MIN <= payload_type <= 127:
        raise ValueError(f"not a payload type for G.711: {payload_type}")
    taken = (PAYLOAD_PCMU, PAYLOAD_PCMA, PAYLOAD_NOISE, payload_type)
    if event_type in taken or not -1 <= event_type <= 127:
        raise ValueError(f"not a payload type for events: {event_type}")
    return 0


cdef class RtpSender:
    """One stream's sender without a socket."""

    def __cinit__(self):
        self.prompts = Prompts()
        self.playing = []

    def __init__(self, unsigned int ssrc, unsigned short seq, unsigned int timestamp):
        sender_stop(&self.state)
        sender_init(&self.state, ssrc, seq, timestamp)

    def connect(self, int payload_type, int event_type=-1, *, int law=-1, bint comfort=True):
        law = payload_type if law < 0 else law
        check_types(law, payload_type, event_type)
        sender_connect(&self.state, law, payload_type, event_type, comfort)

    def play(self, pcmu, pcma, int64_t token, bint loop=False):
        cdef list added = []
        several = isinstance(pcmu, list)
        for one, other in zip(pcmu, pcma, strict=True) if several else ((pcmu, pcma),):
            added.append(self.prompts.add(one, other))
        sender_play(&self.state, self.prompts.chain(added), token, loop)
        for prompt in self.playing:
            self.prompts.remove(prompt)
        self.playing = added

    def stop_play(self):
        sender_stop(&self.state)

    def pause(self, bint on=True):
        sender_pause(&self.state, on)

    def send_digits(self, str digits, int64_t token, int on_ms=100, int gap_ms=100):
        cdef DigitBatch batch
        digits_fill(&batch, digits, token, on_ms, gap_ms)
        if not sender_digits(&self.state, &batch):
            raise BufferError(f"at most {DIGITS_MAX} digits wait to be sent")

    def frame(self, unsigned int number):
        cdef Outbox out
        cdef int i
        sender_frame(&self.state, number, &out)
        packets = [<bytes> out.data[i][:out.size[i]] for i in range(out.count)]
        ended = []
        if self.state.play_ended:
            self.state.play_ended = 0
            ended.append(("play", self.state.play_token))
        if self.state.digits_ended:
            self.state.digits_ended = 0
            ended.append(("digits", self.state.digits_token))
        return packets, ended
