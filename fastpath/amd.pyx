# cython: auto_pickle=False, autotestdict=False
"""Who answered. The rules:

1. A run of voice counts from its third frame of voice on; shorter ones are clicks.
2. Noise that was taken for a voice is undone with the run it made, or with all of them. So is what
   other trees take for no voice, by its pitch above all, once it is over. It is no person, and what
   would be a machine of it is unknown. Behind it a voice has to be more like one (`voice_again`).
3. From the first voice on the model is asked every 40 ms, where its answer can matter. A machine
   may be told at any time, a person only in silence: whoever answers is let finish, and who is
   silent for two seconds has.
4. When the analysis ends without either, the answer is unknown, and why is said.
5. Who was taken for a person may be heard on, when that is asked for: a voice that pauses like one
   who waits for us and then talks on without waiting is a machine after all, if that is a voice.
   It is told once.
"""

from libc.math cimport exp, fabs, sqrt
from libc.string cimport memset

from fastpath.amd_forest cimport (
    FALL, FEATURES, FIRST_PHRASE, HISS, LAST_SYLLABLE, LONGEST_PAUSE, LONGEST_PHRASE, PACE, PAUSES,
    PHRASE, PHRASES, RUN, SILENCE, SNR, SPAN, SPREAD, SWING, SYLLABLES, TONAL, VOICED, WORDS,
    Forest, Model, forest_odds, forest_voice,
)
from fastpath.amd_policy cimport answer_of, may_answer, talks_on
from fastpath.amd_voice cimport (
    DOUBT, DOUBTS_MAX, timbre_add, timbre_clear, timbre_features, timbre_moves,
)
from fastpath.vad cimport (
    VAD_FRAME, VAD_UNDO_ALL, VAD_UNDO_END, VAD_UNDO_RUN, vad_gap, vad_hear, vad_init,
)

from collections import namedtuple

from fastpath.amd_forest import FRAME_MS, POLICY_MS_MAX

ANSWERS = (None, "human", "machine", "unknown")
REASONS = ("", "model", "silence", "too long", "tone", "no audio", "ended", "revised", "no voice")
EVERY = AMD_EVERY
Verdict = namedtuple("Verdict", "answer at_ms first_ms confidence reason")

cdef double DIP = 3.0  # dB between a syllable and the next
cdef double SOUND = -45.0  # dB of full scale: louder is no silence, whatever it is
cdef double REVISED_ODDS = 2.2  # of ten second verdicts over held-out answers nine were right


cdef void amd_init(Amd *a) noexcept nogil:
    memset(a, 0, sizeof(Amd))
    vad_init(&a.vad)
    a.known.first = -1


cdef void figures_clear(Amd *a) noexcept nogil:
    """Nothing of what was heard was a voice."""
    memset(&a.known, 0, sizeof(Figures))
    a.known.first = -1
    a.open = a.counted = a.falling = 0
    a.levels = a.syllables = a.nucleus = 0
    a.sum = a.squares = a.moves = a.hiss = 0.0
    a.extreme = -99.0
    timbre_clear(a)


cdef void level_add(Amd *a) noexcept nogil:
    """The level of a frame of voice, and the syllables it makes."""
    cdef double level = a.vad.loud
    if a.levels:
        a.moves += fabs(level - a.last_level)
        timbre_moves(a, level - a.last_level)
    a.recent[a.levels % 6] = <float> level
    a.levels += 1
    a.sum += level
    a.squares += level * level
    a.hiss += a.vad.residual
    a.last_level = level
    if a.falling:
        if level < a.extreme:
            a.extreme = level
        elif level > a.extreme + DIP:
            a.falling = 0
            a.extreme = level
    elif level > a.extreme:
        a.extreme = level
        a.nucleus = a.frame
    elif level < a.extreme - DIP:
        a.syllables += 1
        a.falling = 1
        a.extreme = level


cdef void run_begin(Amd *a) noexcept nogil:
    a.open = 1
    a.counted = 0
    a.run.begin = a.frame
    a.run.end = a.frame + 1
    a.run.active = 0


cdef void run_count(Amd *a) noexcept nogil:
    """The run is long enough: a word, and maybe a phrase, more."""
    cdef int pause = a.run.begin - a.known.last_end, phrase
    a.counted = 1
    a.before = a.known
    if a.known.first < 0:
        a.known.first = a.run.begin
        a.known.words = 1
        a.known.phrases = 1
        a.known.phrase_begin = a.run.begin
        return
    a.known.words += 1
    a.known.pauses += pause
    a.known.longest_pause = max(a.known.longest_pause, pause)
    if pause >= AMD_PHRASE_GAP:
        phrase = a.known.last_end - a.known.phrase_begin
        if a.known.phrases == 1:
            a.known.first_phrase = phrase
        a.known.longest_phrase = max(a.known.longest_phrase, phrase)
        a.known.phrases += 1
        a.known.phrase_begin = a.run.begin


cdef void run_end(Amd *a) noexcept nogil:
    if a.counted:
        a.known.voiced += a.run.end - a.run.begin
        a.known.last_end = a.run.end
        if not a.falling:  # the silence behind it ends a syllable too
            a.syllables += 1
        a.falling = 0
        a.extreme = -99.0
    a.open = a.counted = 0


cdef void run_drop(Amd *a) noexcept nogil:
    """The run that is going on never was."""
    if a.counted and a.before.words == 0:
        figures_clear(a)
    elif a.counted:
        a.known = a.before
    a.open = a.counted = 0


cdef void frame_take(Amd *a) noexcept nogil:
    """What the voice detector said of this frame."""
    if a.vad.undone == VAD_UNDO_ALL and not a.keying:
        figures_clear(a)
    elif a.vad.undone == VAD_UNDO_RUN:
        run_drop(a)
    elif a.vad.undone == VAD_UNDO_END and a.open:
        a.run.end = min(a.run.end, a.frame - a.vad.cut + 1)
        if a.run.end - a.run.begin < AMD_RUN_MIN:
            run_drop(a)
        else:
            run_end(a)
    a.tonal += a.vad.tonal
    a.sounds += a.sounds < AMD_RUN_MIN and a.vad.loud > SOUND
    if a.vad.speech:
        if not a.open:
            run_begin(a)
        a.run.end = a.frame + 1
        a.run.active += 1
        if not a.counted and a.run.active >= AMD_RUN_MIN:
            run_count(a)
        if a.counted:
            level_add(a)
            timbre_add(a)
    elif a.open and a.frame - a.run.end >= AMD_BRIDGE:
        run_end(a)


cdef void amd_features(const Amd *a, double *x) noexcept nogil:
    """What is known now; milliseconds, dB, counts. Only once there was a voice."""
    cdef int end = a.run.end if a.counted else a.known.last_end
    cdef int run = a.run.end - a.run.begin if a.counted else 0
    cdef int phrase = end - a.known.phrase_begin
    cdef double count = max(a.levels, 1), mean = a.sum / count, recent = 0.0
    cdef int k, kept = min(a.levels, 6)
    for k in range(kept):
        recent += a.recent[k]
    x[SILENCE] = 20 * (a.frame - end)
    x[RUN] = 20 * run
    x[VOICED] = 20 * (a.known.voiced + run)
    x[WORDS] = a.known.words
    x[PHRASES] = a.known.phrases
    x[FIRST_PHRASE] = 20 * (phrase if a.known.phrases == 1 else a.known.first_phrase)
    x[PHRASE] = 20 * phrase
    x[LONGEST_PHRASE] = 20 * max(a.known.longest_phrase, phrase)
    x[LONGEST_PAUSE] = 20 * a.known.longest_pause
    x[PAUSES] = 20 * a.known.pauses
    x[SPAN] = 20 * (end - a.known.first)
    x[SNR] = a.vad.peak[0] - a.vad.floor[0]
    x[FALL] = recent / max(kept, 1) - mean
    x[SPREAD] = sqrt(max(a.squares / count - mean * mean, 0.0))
    x[SWING] = a.moves / count
    x[TONAL] = 20 * a.tonal
    x[HISS] = a.hiss / count
    x[SYLLABLES] = a.syllables
    x[LAST_SYLLABLE] = 20 * (end - a.nucleus)
    timbre_features(a, count, x)
    x[PACE] = a.syllables / (0.02 * max(a.known.voiced + run, 1))


cdef int voice_there(Amd *a, const Forest *model, const double *x) noexcept nogil:
    """Whether what is known is of a voice."""
    cdef int yes = forest_voice(model, x, a.doubts)
    a.doubted = not yes
    return yes


cdef inline int may_doubt(const Amd *a) noexcept nogil:
    """Whether it is asked now if what is over was a voice."""
    if a.known.first < 0 or a.open:
        return 0
    return (a.frame - a.known.last_end) % DOUBT == 0


cdef uint8_t reason_of(const Amd *a, uint8_t otherwise) noexcept nogil:
    """Why nothing is known."""
    if a.known.first < 0 and (a.tonal > 20 or a.keyed):
        return REASON_TONE
    if a.doubted or otherwise == REASON_SILENCE and a.sounds == AMD_RUN_MIN:
        return REASON_NO_VOICE
    return otherwise


cdef void decide(Amd *a, const Forest *model) noexcept nogil:
    """Whether the answer is known after this frame."""
    cdef double x[FEATURES]
    if may_doubt(a):
        amd_features(a, x)
        if not voice_there(a, model, x):
            figures_clear(a)
            a.doubts += a.doubts < DOUBTS_MAX
    if a.known.first < 0:
        if a.frame >= model.policy.initial_silence:
            a.answer = ANSWER_UNKNOWN
            a.reason = reason_of(a, REASON_SILENCE)
        return
    if (a.frame - a.known.first) % AMD_EVERY == 0 and may_answer(a, &model.policy):
        amd_features(a, x)
        a.odds = forest_odds(model, x)
        a.answer = answer_of(a, &model.policy)
        a.reason = REASON_MODEL
        if a.answer and not voice_there(a, model, x):
            # no machine, and no person later: it goes on as no person does
            a.answer = ANSWER_UNKNOWN if a.answer == ANSWER_MACHINE else ANSWER_NONE
            a.reason = REASON_NO_VOICE
        if a.answer:
            return
    if a.frame - a.known.first >= model.policy.analysis:
        a.answer = ANSWER_UNKNOWN
        a.reason = reason_of(a, REASON_TOO_LONG)


cdef void amd_hear(Amd *a, const Forest *model, const int16_t *samples) noexcept nogil:
    """Hear a frame; afterwards `answer` may be known. Once it is, frames are left out."""
    if a.answer:
        return
    vad_hear(&a.vad, samples)
    frame_take(a)
    a.frame += 1
    decide(a, model)


cdef void amd_gap(Amd *a, const Forest *model) noexcept nogil:
    """A frame that never arrived: time passes, and nothing is learned of the noise."""
    if a.answer:
        return
    vad_gap(&a.vad)
    frame_take(a)
    a.frame += 1
    decide(a, model)


cdef void amd_again(
    Amd *a, const Forest *model, const int16_t *samples, int within
) noexcept nogil:
    """Hear on behind a person, until so many frames since the first voice; NULL: a frame is lost.

    `answer` may be a machine afterwards, with REASON_REVISED; nothing is heard any more then.
    """
    cdef double x[FEATURES]
    if a.answer != ANSWER_HUMAN or a.known.first < 0 or a.frame - a.known.first >= within:
        return
    if samples != NULL:
        vad_hear(&a.vad, samples)
    else:
        vad_gap(&a.vad)
    frame_take(a)
    a.frame += 1
    if a.known.first < 0 or a.frame % AMD_AGAIN or not talks_on(a, &model.policy):
        return
    amd_features(a, x)
    if voice_there(a, model, x):
        a.answer = ANSWER_MACHINE
        a.reason = REASON_REVISED
        a.odds = REVISED_ODDS


cdef void amd_end(Amd *a) noexcept nogil:
    """No more audio comes: what is not known now never will be."""
    if a.answer:
        return
    a.answer = ANSWER_UNKNOWN
    if a.frame == 0:
        a.reason = REASON_NO_AUDIO
    else:
        a.reason = reason_of(a, REASON_SILENCE if a.known.first < 0 else REASON_ENDED)


cdef class AnswerDetector:
    """One side of one call, from its answer on."""

    def __cinit__(self, Model model not None, *, int revise_ms=0):
        if not 0 <= revise_ms <= POLICY_MS_MAX:
            raise ValueError(f"revise_ms: 0 to {POLICY_MS_MAX}")
        self.model = model
        self.within = revise_ms // FRAME_MS
        amd_init(&self.state)

    cdef int over(self) noexcept:
        """Whether nothing is heard any more."""
        if self.state.answer != ANSWER_HUMAN:
            return self.state.answer
        return self.state.frame - self.state.known.first >= self.within

    cdef take(self, const int16_t *samples):
        """One frame; NULL: it is lost."""
        cdef int before = self.state.answer
        if before:
            amd_again(&self.state, &self.model.forest, samples, self.within)
        elif samples != NULL:
            amd_hear(&self.state, &self.model.forest, samples)
        else:
            amd_gap(&self.state, &self.model.forest)
        if self.state.answer != before:
            self.told()

    def hear(self, const int16_t[::1] samples):
        cdef Py_ssize_t at
        for at in range(0, samples.shape[0] - VAD_FRAME + 1, VAD_FRAME):
            if self.over():
                break
            self.take(&samples[at])
        return self.found

    def gap(self, int frames):
        cdef int _frame
        if frames < 0:
            raise ValueError(f"a gap of {frames} frames")
        for _frame in range(frames):
            if self.over():
                break
            self.take(NULL)
        return self.found

    def end(self):
        if not self.state.answer:
            amd_end(&self.state)
            self.told()
        return self.found

    def verdict(self):
        return self.found

    def first_verdict(self):
        return self.found_first

    cdef told(self):
        """There is a verdict, or another."""
        cdef double sure = 0.0
        if self.state.reason == REASON_MODEL or self.state.reason == REASON_REVISED:
            sure = 1.0 / (1.0 + exp(-fabs(self.state.odds)))
        self.found_first = self.found
        self.found = Verdict(
            ANSWERS[self.state.answer],
            20 * self.state.frame,
            20 * self.state.known.first if self.state.known.first >= 0 else None,
            sure,
            REASONS[self.state.reason],
        )


def features(const int16_t[::1] samples, *, bint forget=False):
    """Every look at the model: (frame, values) from the first voice on."""
    cdef Amd state
    cdef double x[FEATURES]
    cdef Py_ssize_t at
    cdef int k
    amd_init(&state)
    found = []
    for at in range(0, samples.shape[0] - VAD_FRAME + 1, VAD_FRAME):
        vad_hear(&state.vad, &samples[at])
        frame_take(&state)
        state.frame += 1
        if state.known.first >= 0 and (state.frame - state.known.first) % AMD_EVERY == 0:
            amd_features(&state, x)
            found.append((state.frame, [x[k] for k in range(FEATURES)]))
        if forget and may_doubt(&state):
            figures_clear(&state)
    return found
