# cython: auto_pickle=False, autotestdict=False
"""Packets become a row of samples for the detector of keys:

    the next in time        ->  heard
    later, and numbers too  ->  packets are missing: a key goes on over a short gap
    later, numbers are not  ->  the peer was silent and sent nothing: so much silence, or a new row
    earlier                 ->  late, or a copy: left out
    another source          ->  a new row

A packet that overtook another therefore costs the detector one gap of its length, which a key of
40 ms survives. What a peer sends faster than time passes is left out and counted.
"""

from libc.stdint cimport int16_t, int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from fastpath.dtmf cimport DTMF_GAP_MAX, dtmf_gap, dtmf_hear, dtmf_init
from fastpath.g711 cimport alaw_linear, ulaw_linear
from fastpath.rtp_limits cimport FRAME_BYTES, PAYLOAD_NOISE, PAYLOAD_PCMA, SAMPLE_NS
from fastpath.rtp_loop cimport Tap, tap_add, tap_remove, tap_state
from fastpath.rtp_receive cimport FROM_AUDIO, Packet, receiver_tell

cdef enum:
    JUMP_MAX = 8000  # samples between two packets of one row
    AHEAD_MAX = 8000  # samples that may come before their time


cdef void samples_hear(Tones *t, const uint8_t *audio, int size, uint8_t law) noexcept nogil:
    cdef const int16_t *linear = &alaw_linear[0] if law == PAYLOAD_PCMA else &ulaw_linear[0]
    cdef int16_t samples[FRAME_BYTES]
    cdef int i, part
    while size > 0:
        part = min(size, FRAME_BYTES)
        for i in range(part):
            samples[i] = linear[audio[i]]
        dtmf_hear(&t.detector, &samples[0], part)
        audio += part
        size -= part


cdef void silence_hear(Tones *t, int count) noexcept nogil:
    cdef int16_t samples[FRAME_BYTES]
    memset(&samples[0], 0, sizeof(samples))
    while count > 0:
        dtmf_hear(&t.detector, &samples[0], min(count, FRAME_BYTES))
        count -= FRAME_BYTES


cdef void tap_hear(
    void *state, Stream *s, const Packet *p, const uint8_t *audio, int64_t at_ns
) noexcept nogil:
    cdef Tones *t = <Tones *> state
    cdef int32_t ahead = <int32_t> (p.timestamp - t.timestamp)
    cdef int i
    cdef int64_t age
    if p.payload_type == PAYLOAD_NOISE:
        return  # its time passes until the next audio
    if not t.anchored:
        t.begun_ns = at_ns
    if t.detector.heard > (at_ns - t.begun_ns) // SAMPLE_NS + AHEAD_MAX:
        t.too_fast += 1
        return
    if not t.anchored or p.ssrc != t.ssrc or ahead > JUMP_MAX or ahead < -JUMP_MAX:
        dtmf_gap(&t.detector, DTMF_GAP_MAX + 1)
    elif ahead < 0:
        return
    elif ahead > 0 and p.seq != t.seq:
        dtmf_gap(&t.detector, ahead)
    elif ahead > 0:
        silence_hear(t, ahead)
    t.anchored = 1
    t.ssrc = p.ssrc
    t.seq = <uint16_t> (p.seq + 1)
    t.timestamp = p.timestamp + p.payload_bytes
    samples_hear(t, audio, p.payload_bytes, p.payload_type)
    for i in range(t.detector.digits):
        age = t.detector.heard - t.detector.digit[i].position
        receiver_tell(&s.receiver, t.detector.digit[i].code, at_ns - age * SAMPLE_NS, FROM_AUDIO)
    t.detector.digits = 0


cdef void tap_drop(void *state, Stream *_s) noexcept:
    free(state)


cdef int tones_on(Stream *s) noexcept:
    """Hear keys in the audio of a held stream from now on; 0 when that cannot be."""
    cdef Tap tap
    cdef Tones *t
    if tap_state(s, tap_drop) != NULL:
        return 1
    t = <Tones *> calloc(1, sizeof(Tones))
    tap.state = t
    tap.hear = tap_hear
    tap.say = NULL
    tap.drop = tap_drop
    if t == NULL or not tap_add(s, &tap):
        free(t)
        return 0
    dtmf_init(&t.detector)
    return 1


cdef void tones_off(Stream *s) noexcept:
    """Stop hearing them."""
    cdef void *state = tap_state(s, tap_drop)
    if state != NULL:
        tap_remove(s, state)
        free(state)
