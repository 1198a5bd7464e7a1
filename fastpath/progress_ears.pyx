# cython: auto_pickle=False, autotestdict=False
"""One side of a call in one pass. The rules:

1. Samples go to the detector of keys as they come, and in frames of 20 ms to all others. What was
   lost is a gap: time passes, and nobody learns of the noise of this call from it. So is silence
   that was never sent, but for keys, which are up then.
2. Before the answer there is no verdict. With the answer the detectors of it begin anew.
3. Tones are heard before the answer and for a while after it, announcements before it only.
4. Behind the verdict "machine" the end of its greeting may be asked for: so much silence. Behind
   "human" a second verdict may be asked for, until it is settled that we are talking to each other.
5. A detector whose work is done is not fed any more.
6. What was a key and nothing else is nobody's voice: the model forgets it when the key is up.
"""

from libc.math cimport exp, fabs
from libc.stdint cimport INT32_MAX, uint32_t
from libc.string cimport memcpy, memset

from fastpath.amd cimport (
    ANSWER_HUMAN, ANSWER_UNKNOWN, REASON_MODEL, REASON_REVISED, Amd, amd_again, amd_end, amd_gap,
    amd_hear, amd_init, figures_clear,
)
from fastpath.amd_classic cimport classic_hear, classic_init
from fastpath.dtmf cimport DTMF_GAP_MAX, dtmf_gap, dtmf_hear, dtmf_init
from fastpath.prints cimport (
    MATCH_SURE, Match, prints_free, prints_gap, prints_hear, prints_init,
)
from fastpath.tones cimport (
    TONE_BEGINS, ToneEvent, tones_end, tones_gap, tones_hear, tones_init,
)
from fastpath.tones_book cimport TONE_BEEP, TONE_SILENCE, TONE_SPEECH
from fastpath.vad cimport (
    VAD_UNDO_ALL, VAD_UNDO_END, VAD_UNDO_RUN, vad_gap, vad_hear,
)

cdef enum:
    KEY_EDGE = 2  # frames by which a voice that is a key's tones may be longer than the key


cdef void progress_init(Progress *p) noexcept nogil:
    memset(p, 0, sizeof(Progress))
    dtmf_init(&p.dtmf)


cdef void progress_keys(Progress *p, int on) noexcept nogil:
    """Hear keys from now on, or stop it."""
    if on and not p.keys:
        dtmf_init(&p.dtmf)
    p.keys = on != 0


cdef void progress_begin(
    Progress *p, const Asked *asked, Ears *ears, int answered
) noexcept nogil:
    """From here on it is early media, or the person, or machine, that was called."""
    p.asked = asked
    p.ears = ears
    p.answered = answered != 0
    p.ears_from = p.heard
    p.since = p.heard
    p.filled = 0
    p.who = p.quiet_told = p.settled = 0
    p.voice_end = p.voice_end_before = 0
    p.voiced = 0
    amd_init(&p.ears.amd)
    prints_free(&ears.prints)
    if asked.tones != NULL:
        tones_init(&ears.tones)
    if asked.bank != NULL and not answered:
        prints_init(&ears.prints, asked.bank)  # without memory for it nothing is recognized
    if p.asked != NULL and p.asked.answer == BY_CLASSIC:
        classic_init(&p.ears.classic, &p.asked.classic)


cdef inline int wants_answer(const Progress *p) noexcept nogil:
    return p.answered and not p.who and p.asked.answer


cdef inline int wants_second(const Progress *p) noexcept nogil:
    return (
        p.who == ANSWER_HUMAN and p.asked.revise and not p.settled
        and p.asked.answer == BY_MODEL and p.ears.amd.known.first >= 0
        and p.ears.amd.frame - p.ears.amd.known.first < p.asked.revise
    )


cdef inline int wants_quiet(const Progress *p) noexcept nogil:
    return p.answered and p.asked.quiet and not p.quiet_told and p.who != ANSWER_HUMAN


cdef inline int wants_tones(const Progress *p) noexcept nogil:
    if p.asked.tones == NULL:
        return 0
    return not p.answered or not p.asked.tones_for or p.heard - p.since <= p.asked.tones_for


cdef inline int wants_prints(const Progress *p) noexcept nogil:
    return not p.answered and p.asked.bank != NULL


cdef int progress_done(const Progress *p) noexcept nogil:
    """Whether nothing can be found any more: audio need not even be decoded."""
    if p.keys:
        return 0
    if p.asked == NULL:
        return 1
    return not (
        wants_answer(p) or wants_second(p) or wants_quiet(p) or wants_tones(p) or wants_prints(p)
    )


cdef void progress_settle(Progress *p) noexcept nogil:
    """We talk to each other: what is said from now on is no sign of a machine."""
    p.settled = 1


# ---- what was found

cdef Sound *found(
    Progress *p, int kind, int value, int detail, int64_t begin, int64_t end, float sure
) noexcept nogil:
    """Room for one more; NULL: there is none."""
    cdef Sound *s
    if p.sounds >= SOUNDS_MAX - (kind != SOUND_ANSWER):
        return NULL
    s = &p.sound[p.sounds]
    p.sounds += 1
    s.kind = <uint8_t> kind
    s.value = <int16_t> value
    s.detail = <uint8_t> detail
    s.begin = begin
    s.length = <int32_t> min(end - begin, INT32_MAX)
    s.sure = sure
    s.goes_on = 0
    s.number = 0
    return s


cdef void key_forget(Progress *p, int64_t begin, int64_t end) noexcept nogil:
    """No verdict is made of a key that is up now; samples since the answer."""
    cdef Amd *a
    cdef int first, last
    if p.asked == NULL or not wants_answer(p) or p.asked.answer != BY_MODEL or end <= 0:
        return
    a = &p.ears.amd
    a.keyed = 1
    first = a.known.first if a.known.first >= 0 else a.run.begin
    last = a.run.end if a.open else a.known.last_end
    if first >= begin // VAD_FRAME - KEY_EDGE and last <= end // VAD_FRAME + 1 + KEY_EDGE:
        figures_clear(a)


cdef void take_keys(Progress *p, int64_t now, uint32_t ups) noexcept nogil:
    """Keys that went down, and the one that went up: in a frame no more than one does."""
    cdef int i
    cdef int64_t since = now - p.dtmf.heard
    cdef Sound *s
    if p.dtmf.ups != ups:
        found(
            p, SOUND_KEY, p.dtmf.up.code, 0, since + p.dtmf.up.position, since + p.dtmf.until, 1.0
        )
        key_forget(p, since + p.dtmf.up.position - p.since, since + p.dtmf.until - p.since)
    for i in range(p.dtmf.digits):
        s = found(
            p, SOUND_KEY, p.dtmf.digit[i].code, 0, since + p.dtmf.digit[i].position, now, 1.0
        )
        if s != NULL:
            s.goes_on = 1
    p.dtmf.digits = 0


cdef void take_answer(Progress *p) noexcept nogil:
    """The verdict, once it is known; `heard` is at the end of the frame that decided."""
    cdef int64_t first = p.since
    cdef float sure = 0.0
    cdef uint8_t reason
    if p.asked.answer == BY_MODEL:
        p.who, reason = p.ears.amd.answer, p.ears.amd.reason
        if p.ears.amd.known.first >= 0:
            first += p.ears.amd.known.first * VAD_FRAME
        if reason == REASON_MODEL or reason == REASON_REVISED:
            sure = <float> (1.0 / (1.0 + exp(-fabs(p.ears.amd.odds))))
    else:
        p.who, reason = p.ears.classic.answer, p.ears.classic.reason
        sure = p.who != ANSWER_UNKNOWN
    if p.who:
        found(p, SOUND_ANSWER, p.who, reason, first, p.heard, sure)


cdef void voice_take(Progress *p) noexcept nogil:
    """Where the voice ended that was heard last; what was no voice is taken back."""
    cdef int frame = <int> ((p.heard - p.since) // VAD_FRAME)  # behind this one
    if p.ears.amd.vad.undone == VAD_UNDO_ALL:
        p.voice_end = p.voice_end_before = 0
    elif p.ears.amd.vad.undone == VAD_UNDO_RUN:
        p.voice_end = p.voice_end_before
    elif p.ears.amd.vad.undone == VAD_UNDO_END:
        p.voice_end = min(p.voice_end, frame - p.ears.amd.vad.cut)
    if p.ears.amd.vad.speech:
        if not p.voiced:
            p.voice_end_before = p.voice_end
        p.voice_end = frame
    p.voiced = p.ears.amd.vad.speech
    if p.who and wants_quiet(p) and frame - p.voice_end >= p.asked.quiet:
        p.quiet_told = 1
        found(
            p, SOUND_SILENCE, 0, 0, p.since + <int64_t> p.voice_end * VAD_FRAME, p.heard, 1.0
        )


cdef void take_tones(Progress *p) noexcept nogil:
    """Tones; where nobody speaks and nobody is silent is the voice detector's to say."""
    cdef ToneEvent *e
    cdef Sound *s
    cdef int64_t from_begin = p.ears_from
    cdef int i
    for i in range(p.ears.tones.events):
        e = &p.ears.tones.event[i]
        if e.kind == TONE_SPEECH or e.kind == TONE_SILENCE:
            continue
        s = found(
            p, SOUND_TONE + e.kind, e.value, 0, from_begin + e.begin, from_begin + e.end,
            e.confidence,
        )
        if s != NULL:
            if e.kind == TONE_BEEP and p.who:
                p.quiet_told = 1  # that was the end of the greeting
            s.goes_on = e.phase == TONE_BEGINS
            s.number = e.number
    p.ears.tones.events = 0


cdef void take_match(Progress *p) noexcept nogil:
    cdef const Match *m = &p.ears.prints.match
    cdef float sure = 1.0 - 2.0 * m.ber
    found(
        p, SOUND_ANNOUNCEMENT, m.ref, 0, p.ears_from + m.from_ms * MS_SAMPLES,
        p.ears_from + m.at_ms * MS_SAMPLES, max(sure, 0.0),
    )


# ---- one frame

cdef void others_hear(Progress *p, const int16_t *samples, int why) noexcept nogil:
    """Tones and announcements."""
    cdef int16_t nothing[VAD_FRAME]
    if wants_tones(p):
        if samples != NULL:
            tones_hear(&p.ears.tones, p.asked.tones, samples)
        elif why == FRAME_LOST:
            tones_gap(&p.ears.tones, p.asked.tones)
        else:
            memset(&nothing[0], 0, sizeof(nothing))
            tones_hear(&p.ears.tones, p.asked.tones, &nothing[0])
        take_tones(p)
    if wants_prints(p):
        if samples == NULL:
            prints_gap(&p.ears.prints, VAD_FRAME)
        elif prints_hear(&p.ears.prints, samples, VAD_FRAME) == MATCH_SURE:
            take_match(p)


cdef void frame_hear(Progress *p, const int16_t *samples, int why) noexcept nogil:
    """A frame for all who want frames; NULL: it never came, and `why`."""
    cdef int by_model = p.asked.answer == BY_MODEL
    cdef int16_t nothing[VAD_FRAME]
    p.ears.amd.keying = p.keys and p.dtmf.down >= 0
    if wants_answer(p):
        if by_model and samples != NULL:
            amd_hear(&p.ears.amd, p.asked.model, samples)
        elif by_model:
            amd_gap(&p.ears.amd, p.asked.model)
        elif samples != NULL:
            classic_hear(&p.ears.classic, samples)
        else:
            memset(&nothing[0], 0, sizeof(nothing))
            classic_hear(&p.ears.classic, &nothing[0])
        take_answer(p)
    elif wants_second(p):
        by_model = 1
        amd_again(&p.ears.amd, p.asked.model, samples, p.asked.revise)
        if p.ears.amd.answer != ANSWER_HUMAN:
            take_answer(p)
    else:
        by_model = 0
    if wants_quiet(p):
        if not by_model and samples != NULL:
            vad_hear(&p.ears.amd.vad, samples)
        elif not by_model:
            vad_gap(&p.ears.amd.vad)
        voice_take(p)
    others_hear(p, samples, why)


cdef void frames_take(
    Progress *p, const int16_t *samples, int count, int why
) noexcept nogil:
    """Cut samples into frames; NULL: they never came."""
    cdef int room
    if p.asked == NULL:
        p.heard += count
        return
    while count > 0:
        room = min(count, VAD_FRAME - p.filled)
        p.heard += room
        if room == VAD_FRAME:
            frame_hear(p, samples, why)
        else:
            if samples != NULL:
                memcpy(&p.ears.frame[p.filled], samples, room * sizeof(int16_t))
            else:
                memset(&p.ears.frame[p.filled], 0, room * sizeof(int16_t))
            p.filled += <uint8_t> room
            if p.filled == VAD_FRAME:
                p.filled = 0
                frame_hear(p, &p.ears.frame[0], 0)
        count -= room
        if samples != NULL:
            samples += room


cdef void progress_hear(Progress *p, const int16_t *samples, int count) noexcept nogil:
    """Hear samples that follow on those before."""
    cdef uint32_t ups = p.dtmf.ups
    if p.keys:
        dtmf_hear(&p.dtmf, samples, count)
        take_keys(p, p.heard + count, ups)
    frames_take(p, samples, count, 0)


cdef void progress_gap(Progress *p, int count) noexcept nogil:
    """So many samples were lost on their way."""
    cdef uint32_t ups = p.dtmf.ups
    if p.keys:
        dtmf_gap(&p.dtmf, count)
        take_keys(p, p.heard + count, ups)
    frames_take(p, NULL, count, FRAME_LOST)


cdef void progress_break(Progress *p) noexcept nogil:
    """What comes does not follow on what came: no key goes on over that."""
    cdef uint32_t ups = p.dtmf.ups
    if p.keys:
        dtmf_gap(&p.dtmf, DTMF_GAP_MAX + 1)
        take_keys(p, p.heard + DTMF_GAP_MAX + 1, ups)


cdef void progress_silence(Progress *p, int count) noexcept nogil:
    """So many samples were never sent: the far end was silent."""
    cdef int16_t nothing[VAD_FRAME]
    cdef int left = count
    cdef uint32_t ups = p.dtmf.ups
    if p.keys:
        memset(&nothing[0], 0, sizeof(nothing))
        while left > 0:
            dtmf_hear(&p.dtmf, &nothing[0], min(left, VAD_FRAME))
            left -= VAD_FRAME
        take_keys(p, p.heard + count, ups)
    frames_take(p, NULL, count, FRAME_UNSENT)


cdef void progress_end(Progress *p) noexcept nogil:
    """No more audio comes: what is not known now never will be."""
    progress_break(p)
    if p.asked == NULL:
        return
    if wants_tones(p):
        tones_end(&p.ears.tones, p.asked.tones)
        take_tones(p)
    if not wants_answer(p):
        return
    if p.asked.answer == BY_MODEL:
        amd_end(&p.ears.amd)
    else:
        p.ears.classic.answer = ANSWER_UNKNOWN
        p.ears.classic.reason = 6 if p.heard > p.since else 7  # too long, no audio
    take_answer(p)


cdef void ears_close(Ears *ears) noexcept nogil:
    prints_free(&ears.prints)
