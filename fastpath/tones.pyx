# cython: auto_pickle=False, autotestdict=False
"""What the tones of a call mean. The rules, in the order a burst of tone meets them:

1. Three bursts that follow on each other near 950, 1400 and 1800 Hz are special information tones.
2. A burst that goes on with what was told before prolongs it.
3. The rules of the book that fit it and those before are candidates. One that was heard often
   enough, and that no rule of another meaning fits as well, is told; silence longer than a
   candidate's pause rules it out.
4. What outlasts all candidates is a tone that never stops, when the book has one.
5. A steady pure tone of 300 ms for which no candidate is left is a beep, unless it began with the
   audio: it may be the rest of a rhythm's. Behind a voice the first burst of a fax machine's call
   is one too: nobody waits for the second.
6. So is a high tone that GSM full rate tore, when nothing else is known of it (`tones_torn`).
"""

from libc.math cimport fabsf
from libc.stdint cimport INT64_MAX
from libc.string cimport memmove, memset

from fastpath.tones_beep cimport is_answered, is_beep, is_lasting, repeats, turns_often
from fastpath.tones_book cimport (
    TONE_BEEP,
    TONE_FAX,
    TONE_MUSIC,
    TONE_SIT,
    Fit,
    ToneRule,
    fit_sure,
    pause_max,
    rule_fit,
    rule_longer,
    rule_rest,
    rule_room,
    rule_sounds,
    rule_waits,
)
from fastpath.tones_burst cimport (
    BURST_NONE,
    BURST_TONE,
    TONE_FRAME,
    bursts_end,
    bursts_gap,
    bursts_hear,
    bursts_init,
)
from fastpath.tones_sit cimport sit_of
from fastpath.tones_sound cimport (
    SOUND_MUSIC,
    SOUND_NONE,
    sound_forget,
    sound_hear,
    sound_init,
)
from fastpath.tones_torn cimport torn_end, torn_hear

cdef enum:
    MS = 8  # samples
    BEEP_LASTS = 3000 * MS
    CLOSE = 75 * MS  # what follows so soon belongs to it
    LOOK_FRAMES = 12  # age at which a burst that goes on is first looked at, and then
    LOOK_EVERY = 4
    TORN_PAUSE = 150 * MS  # as in tones_burst
cdef float TONAL_PURE = 0.9
cdef float TORN_NEAR = 0.03


cdef void tones_init(Tones *t) noexcept nogil:
    memset(t, 0, sizeof(Tones))
    bursts_init(&t.heard)
    sound_init(&t.sound)
    t.rule = -1


# ---- telling


cdef void put(Tones *t, const ToneEvent *e) noexcept nogil:
    if e.kind < TONE_MUSIC:
        t.known = max(t.known, e.end)
    if t.events < TONE_EVENTS_MAX:
        t.event[t.events] = e[0]
        t.events += 1


cdef void tell(Tones *t, int phase) noexcept nogil:
    """Tell what goes on, as it stands."""
    t.going.phase = <uint8_t> phase
    put(t, &t.going)


cdef void begin(Tones *t, int kind, int value, const Burst *b, float confidence) noexcept nogil:
    """What goes on from now on; not told yet."""
    t.numbers += 1
    t.going.kind = <uint8_t> kind
    t.going.value = <uint8_t> value
    t.going.number = t.numbers
    t.going.hertz = b.peaks.hertz[0]
    t.going.confidence = confidence
    t.going.begin = b.begin
    t.going.end = b.end


cdef void stop(Tones *t) noexcept nogil:
    """What went on is over."""
    if t.rule >= 0:
        tell(t, TONE_ENDS)
    t.rule = -1
    t.lasts = 0


# ---- rhythms


cdef void tell_rhythm(
    Tones *t, const ToneRules *book, int number, const Fit *fit
) noexcept nogil:
    """A rule has been heard often enough."""
    cdef const ToneRule *r = &book.rule[number]
    cdef const Burst *b = &t.burst[t.bursts - 1]
    cdef int value = r.value if r.kind == TONE_FAX else number
    begin(t, r.kind, value, b, fit_sure(fit, b))
    t.going.begin = t.burst[t.bursts - fit.bursts].begin
    t.rule = number
    t.pending = 0
    t.wake = b.end + rule_waits(r, fit.step)
    tell(t, TONE_BEGINS)


cdef void decide(Tones *t, const ToneRules *book, int64_t now, int last) noexcept nogil:
    """What the last burst is, by the silence behind it. `last`: nothing more will come."""
    cdef const Burst *b = &t.burst[t.bursts - 1]
    cdef const ToneRule *r
    cdef Fit fit, best
    cdef int number, chosen = -1, rivals = 0
    cdef int64_t until, soonest = now + BEEP_LASTS
    memset(&best, 0, sizeof(best))
    for number in range(book.count):
        r = &book.rule[number]
        if r.steps == 0:
            continue
        rule_fit(r, &t.burst[0], t.bursts, &fit)
        if fit.bursts == 0 or (r.kind == TONE_FAX and fit.bursts == 1 and is_answered(b)):
            continue
        # one of a fast rhythm may have been missed
        until = b.end + (
            pause_max(r, fit.step) if last or fit.bursts >= r.bursts else rule_waits(r, fit.step)
        )
        if until < now:
            continue
        soonest = min(soonest, until)
        if fit.bursts > best.bursts or (fit.bursts == best.bursts and fit.error < best.error):
            if chosen >= 0 and fit.bursts > best.bursts:
                rivals = 0
            elif chosen >= 0 and book.rule[chosen].kind != r.kind:
                rivals += 1
            best = fit
            chosen = number
        elif fit.bursts == best.bursts and book.rule[chosen].kind != r.kind:
            rivals += 1
    if chosen >= 0:
        if best.bursts >= book.rule[chosen].bursts and (not rivals or best.bursts > 2):
            tell_rhythm(t, book, chosen, &best)
        else:
            t.wake = soonest + 1
        return
    if now < b.end + CLOSE or (t.heard.state != BURST_NONE and t.heard.now.begin < b.end + CLOSE):
        t.wake = now + TONE_FRAME  # what follows may make it something else
        return
    t.pending = 0
    if rule_rest(book, b):
        return  # nobody knows how long it was
    if b.joined and t.going.kind == TONE_BEEP and t.going.begin == b.begin:
        return  # told before the rest of it came
    if is_beep(b) and b.silence & 2 and not repeats(&t.burst[0], t.bursts):
        begin(t, TONE_BEEP, 0, b, min(b.peaks.pure, 0.97))
        tell(t, TONE_ENDS)


# ---- a burst is over, goes on, or nothing comes


cdef void remember(Tones *t) noexcept nogil:
    if t.heard.last.joined and t.bursts:
        t.burst[t.bursts - 1] = t.heard.last
        return
    if t.bursts == RHYTHM_MAX:
        memmove(&t.burst[0], &t.burst[1], (RHYTHM_MAX - 1) * sizeof(Burst))
        t.bursts -= 1
    t.burst[t.bursts] = t.heard.last
    t.bursts += 1


cdef void burst_over(Tones *t, const ToneRules *book, int64_t now) noexcept nogil:
    cdef const Burst *b
    cdef float confidence = 0
    cdef Fit fit
    cdef int found
    if t.pending and not t.heard.last.joined:
        decide(t, book, t.heard.last.begin, 0)
    if t.rule >= 0 and book.rule[t.rule].steps == 0 and t.going.end < t.heard.last.begin:
        stop(t)  # another one
    remember(t)
    b = &t.burst[t.bursts - 1]
    if t.bursts >= 3:
        found = sit_of(&t.burst[t.bursts - 3], &confidence)
        if found >= 0:
            stop(t)
            begin(t, TONE_SIT, found, &t.burst[t.bursts - 3], confidence)
            t.going.end = b.end
            tell(t, TONE_ENDS)
            t.pending = 0
            t.bursts = 0
            return
    if t.lasts or (t.rule >= 0 and book.rule[t.rule].steps == 0):
        t.going.end = b.end
        if t.going.kind == TONE_FAX and t.going.value == FAX_CED and turns_often(b):
            t.going.value = FAX_ANSAM
        t.pending = 0
        if t.lasts or t.going.kind != TONE_FAX:
            stop(t)
        t.wake = b.end + TORN_PAUSE
        return
    if t.rule >= 0:
        rule_fit(&book.rule[t.rule], &t.burst[0], t.bursts, &fit)
        if fit.bursts:
            t.going.end = b.end
            t.going.confidence = max(t.going.confidence, fit_sure(&fit, b))
            t.wake = b.end + rule_waits(&book.rule[t.rule], fit.step)
            return
        stop(t)
    t.pending = 1
    decide(t, book, now, 0)


cdef void burst_goes_on(Tones *t, const ToneRules *book) noexcept nogil:
    """A burst that lasts may be known before its end."""
    cdef const Burst *b = &t.heard.now
    cdef int64_t length = b.end - b.begin
    cdef const ToneRule *r
    cdef int number, step
    if t.lasts or (t.rule >= 0 and book.rule[t.rule].steps == 0):
        return
    for number in range(book.count):  # may it still be part of a rhythm?
        r = &book.rule[number]
        if r.steps and rule_sounds(r, &b.peaks):
            for step in range(0, r.steps, 2):
                if length <= r.step[step] + rule_room(r, step):
                    return
    for number in range(book.count):
        r = &book.rule[number]
        if r.steps == 0 and rule_sounds(r, &b.peaks) and is_lasting(r, b):
            if length < r.lasting:
                return
            stop(t)
            begin(t, r.kind, r.value if r.kind == TONE_FAX else number, b, min(b.peaks.pure, 0.95))
            if r.kind == TONE_FAX and r.value == FAX_CED and turns_often(b):
                t.going.value = FAX_ANSAM
            t.rule = number
            t.wake = INT64_MAX  # its end says when
            tell(t, TONE_BEGINS)
            return
    if length > BEEP_LASTS and is_beep(b):
        stop(t)
        begin(t, TONE_BEEP, 0, b, min(b.peaks.pure, 0.97))
        tell(t, TONE_ENDS)
        t.lasts = 1
        t.pending = 0


cdef void silence_says(Tones *t, const ToneRules *book, int64_t now) noexcept nogil:
    """Nothing came for as long as it was waited for."""
    cdef int64_t wait
    cdef int other
    if t.heard.state != BURST_NONE:
        now = t.heard.now.begin  # something did
        if now < t.wake:
            return
    if t.rule >= 0:
        other = rule_longer(book, t.rule, &t.burst[0], t.bursts, now - t.going.end, &wait)
        if other >= 0:
            t.rule = other
            t.wake = t.going.end + wait
        else:
            stop(t)
    elif t.pending:
        decide(t, book, now, 0)


cdef void sounds_else(Tones *t, int64_t until) noexcept nogil:
    """Music, a voice or silence ends, and something else, or nothing known, begins."""
    cdef int kind = t.sound.kind
    cdef ToneEvent *e = &t.sounding
    if e.number:
        e.phase = TONE_ENDS
        e.end = max(until, e.begin)
        put(t, e)
        e.number = 0
    if kind == SOUND_NONE:
        return
    t.numbers += 1
    memset(e, 0, sizeof(ToneEvent))
    e.kind = <uint8_t> (TONE_MUSIC + kind - SOUND_MUSIC)  # they stand in the same order
    e.number = t.numbers
    e.confidence = <float> 0.9
    e.begin = t.sound.begin
    e.end = t.heard.frames * TONE_FRAME
    put(t, e)


cdef void sounds(Tones *t, int64_t now) noexcept nogil:
    """The newest frame, for what the call sounds like over seconds."""
    cdef int tonal = t.heard.state == BURST_TONE and t.heard.now.peaks.pure > TONAL_PURE
    if t.rule >= 0 or t.lasts:
        if t.sound.heard or t.sound.kind != SOUND_NONE:
            sound_forget(&t.sound, now)
            sounds_else(t, t.going.begin)
        t.sound.begin = now
    elif sound_hear(&t.sound, t.heard.power, t.heard.slope, tonal, now):
        sounds_else(t, t.sound.begin)


cdef void after(Tones *t, const ToneRules *book) noexcept nogil:
    """What the newest frame says."""
    cdef int64_t now = t.heard.frames * TONE_FRAME
    if t.heard.ended:
        burst_over(t, book, now)
    if t.heard.state == BURST_TONE and t.heard.hole == 0:
        if t.heard.age >= LOOK_FRAMES and t.heard.age % LOOK_EVERY == 0:
            burst_goes_on(t, book)
    elif now >= t.wake and (t.pending or t.rule >= 0):
        silence_says(t, book, now)


cdef void torn(Tones *t, const ToneRules *book) noexcept nogil:
    """A torn tone that ended is a beep, unless it is known to be something else."""
    cdef const Burst *b = &t.torn_last
    cdef const ToneRule *r
    cdef int number
    if t.torn.ended:
        t.torn_last = t.torn.last
        t.torn_waits = 1
    if not t.torn_waits or t.pending or t.heard.state == BURST_TONE:
        return
    t.torn_waits = 0
    if t.rule >= 0 or t.lasts or t.known > b.begin:
        return
    for number in range(book.count):
        r = &book.rule[number]
        if fabsf(b.peaks.hertz[0] - r.hertz[0]) < TORN_NEAR * r.hertz[0]:
            return  # an answer tone of a fax machine, that wavers too
    begin(t, TONE_BEEP, 0, b, b.peaks.pure)
    tell(t, TONE_ENDS)


cdef void tones_hear(Tones *t, const ToneRules *book, const int16_t *frame) noexcept nogil:
    """Hear the next frame."""
    bursts_hear(&t.heard, frame)
    after(t, book)
    torn_hear(&t.torn, &t.heard)
    if t.torn.ended or t.torn_waits:
        torn(t, book)
    sounds(t, t.heard.frames * TONE_FRAME)


cdef void tones_gap(Tones *t, const ToneRules *book) noexcept nogil:
    """A frame that never arrived."""
    bursts_gap(&t.heard)
    after(t, book)
    torn_hear(&t.torn, &t.heard)
    if t.torn.ended or t.torn_waits:
        torn(t, book)


cdef void tones_end(Tones *t, const ToneRules *book) noexcept nogil:
    """No more comes."""
    bursts_end(&t.heard)
    if t.heard.ended:
        burst_over(t, book, t.heard.frames * TONE_FRAME)
    if t.pending:
        decide(t, book, t.heard.frames * TONE_FRAME + CLOSE, 1)
    torn_end(&t.torn, &t.heard)
    torn(t, book)
    stop(t)
    sound_init(&t.sound)
    sounds_else(t, t.heard.frames * TONE_FRAME)
