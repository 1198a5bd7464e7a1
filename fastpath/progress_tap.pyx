# cython: auto_pickle=False, autotestdict=False
"""Packets become a row of samples:

    the next in time        ->  heard
    later, and numbers too  ->  packets are missing: a gap
    later, numbers are not  ->  the peer was silent and sent nothing: so much silence, or a new row
    earlier                 ->  late, or a copy: left out
    another source          ->  a new row
    none at all             ->  silence, by the clock: at once behind comfort noise, else once
                                nothing came for longer than packets are usually late

Silence that the clock made up counts against what the next packet's timestamp says is missing; a
packet that says nothing is, goes on where the row stands now: it was late, and is heard late.

A packet that overtook another therefore costs the detectors one gap of its length, which a key of
40 ms survives. What a peer sends faster than time passes is left out: a new row begins behind it.
Half of what it may be ahead stays, against jitter; more is forgiven little by little: the network
may have held it back while the clock made silence up, or the peer's clock is the faster one.

A machine that stood still may have kept its network waiting too: for a while behind that, what did
not come meanwhile is waited for as much longer, before silence is made up for it.

Where nothing is listened for, no time passes either: keys may be asked for in an old call.
"""

from cpython.ref cimport PyObject, Py_DECREF, Py_INCREF
from libc.stdint cimport int16_t, int32_t
from libc.stdlib cimport calloc, free

from fastpath.g711 cimport alaw_linear, ulaw_linear
from fastpath.progress cimport Attention
from fastpath.progress_ears cimport (
    SOUND_KEY,
    Ears,
    Sound,
    ears_close,
    progress_begin,
    progress_break,
    progress_done,
    progress_gap,
    progress_hear,
    progress_init,
    progress_keys,
    progress_settle,
    progress_silence,
)
from fastpath.rtp_limits cimport FRAME_BYTES, PAYLOAD_NOISE, PAYLOAD_PCMA, SAMPLE_NS
from fastpath.rtp_loop cimport (
    SoundEvent, Stream, Tap, Worker, tap_add, tap_remove, tap_state, tell_sound,
)
from fastpath.rtp_receive cimport FROM_AUDIO, Packet, receiver_tell

cdef enum:
    JUMP_MAX = 8000  # samples between two packets of one row
    AHEAD_MAX = 8000  # samples that may come before their time
    PATIENCE = 800  # samples that may come after it: 100 ms
    MADE_UP_MAX = 50  # frames of silence in one turn
    FORGIVEN_NS = 1000000  # in one turn, of what the peer is ahead
    STOOD_NS = 40000000  # between two turns, which are 20 ms apart: we stood still
    STOOD_MAX = 8000  # samples
    EXCUSED_NS = 200000000


cdef void keys_tell(Ear *e, Stream *s, int64_t at_ns) noexcept nogil:
    """Keys leave at once; what else was heard waits for the end of the turn."""
    cdef Sound *sound
    cdef int i, kept = 0
    for i in range(e.progress.sounds):
        sound = &e.progress.sound[i]
        if sound.kind == SOUND_KEY:
            if not sound.goes_on:
                continue  # it was told when it went down
            receiver_tell(
                &s.receiver,
                <uint8_t> sound.value,
                at_ns - (e.progress.heard - sound.begin) * SAMPLE_NS,
                FROM_AUDIO,
            )
        else:
            e.progress.sound[kept] = sound[0]
            kept += 1
    e.progress.sounds = <uint8_t> kept


cdef void samples_hear(Ear *e, const uint8_t *audio, int size, uint8_t law) noexcept nogil:
    cdef const int16_t *linear = &alaw_linear[0] if law == PAYLOAD_PCMA else &ulaw_linear[0]
    cdef int16_t samples[FRAME_BYTES]
    cdef int i, part
    while size > 0:
        part = min(size, FRAME_BYTES)
        for i in range(part):
            samples[i] = linear[audio[i]]
        progress_hear(&e.progress, &samples[0], part)
        audio += part
        size -= part


cdef void tap_hear(
    void *state, Stream *s, const Packet *p, const uint8_t *audio, int64_t at_ns
) noexcept nogil:
    cdef Ear *e = <Ear *> state
    cdef int32_t ahead = <int32_t> (p.timestamp - e.timestamp)
    cdef int32_t missing
    if p.payload_type == PAYLOAD_NOISE:
        e.paused = 1  # its time passes until the next audio
        return
    if progress_done(&e.progress):
        return
    if not e.begun_ns:
        e.begun_ns = at_ns
    if e.heard > (at_ns - e.begun_ns) // SAMPLE_NS + AHEAD_MAX:
        e.anchored = 0
        return
    if not e.anchored or p.ssrc != e.ssrc or ahead > JUMP_MAX or ahead < -JUMP_MAX:
        progress_break(&e.progress)
    elif ahead < 0:
        return
    else:
        missing = ahead - <int32_t> min(e.made_up, JUMP_MAX)
        if missing > 0 and p.seq != e.seq:
            progress_gap(&e.progress, missing)
        elif missing > 0:
            progress_silence(&e.progress, missing)
        e.heard += max(missing, 0)
    e.anchored = 1
    e.paused = 0
    e.made_up = 0
    e.ssrc = p.ssrc
    e.seq = <uint16_t> (p.seq + 1)
    e.timestamp = p.timestamp + p.payload_bytes
    e.heard += p.payload_bytes
    samples_hear(e, audio, p.payload_bytes, p.payload_type)
    if e.progress.sounds and e.progress.keys:
        keys_tell(e, s, at_ns)


cdef int64_t patience(Ear *e, int64_t now_ns) noexcept nogil:
    """For how many samples what should be there is waited for."""
    cdef int64_t apart_ns = now_ns - e.turned_ns
    if e.turned_ns and apart_ns > STOOD_NS:
        e.stood = min(e.stood + apart_ns // SAMPLE_NS, STOOD_MAX)
        e.excused_ns = now_ns + EXCUSED_NS
    elif now_ns > e.excused_ns:
        e.stood = 0
    e.turned_ns = now_ns
    return e.stood if e.paused else e.stood + PATIENCE


cdef void tap_turn(
    void *state, Worker *w, Stream *s, uint32_t frame, int64_t due_ns
) noexcept nogil:
    """Once in 20 ms: what did not come is silence, and what was heard is told."""
    cdef Ear *e = <Ear *> state
    cdef int64_t behind = (due_ns - e.begun_ns) // SAMPLE_NS - e.heard
    cdef int64_t waits = patience(e, w.now_ns)
    cdef int _frame
    if progress_done(&e.progress):
        e.begun_ns = due_ns - e.heard * SAMPLE_NS
    elif behind < -AHEAD_MAX // 2 and e.begun_ns:
        e.begun_ns -= FORGIVEN_NS
    elif e.attention != NULL:
        behind -= waits
        for _frame in range(MADE_UP_MAX):
            if behind < FRAME_BYTES:
                break
            progress_silence(&e.progress, FRAME_BYTES)
            e.heard += FRAME_BYTES
            e.made_up += FRAME_BYTES
            behind -= FRAME_BYTES
    if e.progress.sounds:
        sounds_tell(e, w, s, frame, due_ns)


cdef void sounds_tell(
    Ear *e, Worker *w, Stream *s, uint32_t frame, int64_t due_ns
) noexcept nogil:
    cdef SoundEvent told
    cdef Sound *sound
    cdef int i, left = 0
    keys_tell(e, s, due_ns)
    for i in range(e.progress.sounds):
        sound = &e.progress.sound[i]
        if sound.number and not sound.goes_on and sound.number == e.told:
            continue  # it was told when it began
        told.kind = sound.kind
        told.detail = sound.detail
        told.value = sound.value
        told.sure = sound.sure
        told.frame = frame
        told.answered = e.progress.answered
        if left or not tell_sound(w, s.id, due_ns, &told):  # the ring is full: a turn later
            e.progress.sound[left] = sound[0]
            left += 1
        elif sound.number:
            e.told = sound.number
    e.progress.sounds = <uint8_t> left


cdef void forget(Ear *e) noexcept:
    """Nothing but keys is listened for any more."""
    cdef PyObject *attention = e.attention
    if e.progress.ears != NULL:
        ears_close(e.progress.ears)
    free(e.progress.ears)
    e.progress.asked = NULL
    e.progress.ears = NULL
    e.attention = NULL
    if attention != NULL:
        Py_DECREF(<object> attention)


cdef void tap_drop(void *state, Stream *_s) noexcept:
    forget(<Ear *> state)
    free(state)


cdef Ear *ear_of(Stream *s) noexcept:
    """That of a held stream, made when there is none; NULL when there can be none."""
    cdef void *state = tap_state(s, tap_drop)
    cdef Tap tap
    cdef Ear *e
    if state != NULL:
        return <Ear *> state
    e = <Ear *> calloc(1, sizeof(Ear))
    tap.state = e
    tap.hear = tap_hear
    tap.say = NULL
    tap.turn = tap_turn
    tap.drop = tap_drop
    if e == NULL or not tap_add(s, &tap):
        free(e)
        return NULL
    progress_init(&e.progress)
    return e


cdef void ear_close(Stream *s, Ear *e) noexcept:
    """Without anything to listen for it costs nothing."""
    if not e.progress.keys and e.attention == NULL:
        tap_remove(s, e)
        free(e)


cdef int keys_on(Stream *s) noexcept:
    """Hear keys in the audio of a held stream from now on; 0 when that cannot be."""
    cdef Ear *e = ear_of(s)
    if e == NULL:
        return 0
    progress_keys(&e.progress, 1)
    return 1


cdef void keys_off(Stream *s) noexcept:
    """Stop hearing them."""
    cdef Ear *e = <Ear *> tap_state(s, tap_drop)
    if e != NULL:
        progress_keys(&e.progress, 0)
        ear_close(s, e)


cdef int ear_listen(Stream *s, object attention, int answered, int64_t now_ns) noexcept:
    """Hear what an Attention says from now on, in early media or from the answer on."""
    cdef Ear *e = ear_of(s)
    cdef Ears *ears = <Ears *> calloc(1, sizeof(Ears))
    if e == NULL or ears == NULL:
        free(ears)
        return 0
    Py_INCREF(attention)
    forget(e)
    e.attention = <PyObject *> attention
    e.begun_ns = now_ns
    e.heard = e.made_up = 0
    e.told = 0
    e.progress.sounds = 0  # of early media: it is over
    e.paused = 0
    progress_begin(&e.progress, (<Attention> attention).wanted(), ears, answered)
    return 1


cdef void ear_rest(Stream *s) noexcept:
    """Listen for nothing but keys."""
    cdef Ear *e = <Ear *> tap_state(s, tap_drop)
    if e != NULL:
        forget(e)
        ear_close(s, e)


cdef void ear_settle(Stream *s) noexcept:
    """Who was taken for a person stays one: we talk to each other."""
    cdef Ear *e = <Ear *> tap_state(s, tap_drop)
    if e != NULL:
        progress_settle(&e.progress)
