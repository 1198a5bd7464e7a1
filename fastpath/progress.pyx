# cython: auto_pickle=False, autotestdict=False
"""One side of a call as Python sees it: what is listened for, and what is heard of audio."""

from libc.stdint cimport int16_t, int64_t

from fastpath.amd_forest cimport Model
from fastpath.amd_classic cimport rule_fill
from fastpath.progress_ears cimport (
    BY_CLASSIC,
    BY_MODEL,
    MS_SAMPLES,
    QUIET_FRAMES_MAX,
    SOUND_ANNOUNCEMENT,
    SOUND_ANSWER,
    SOUND_KEY,
    SOUND_TONE,
    ears_close,
    progress_begin,
    progress_done,
    progress_end,
    progress_gap,
    progress_hear,
    progress_init,
    progress_keys,
    progress_settle,
    progress_silence,
)
from fastpath.tones_book cimport TONE_FAX, TONE_SIT
from fastpath.vad cimport VAD_FRAME

from collections import namedtuple

from fastpath import amd, amd_classic, dtmf, tones_book, tones_sit
from fastpath.amd_forest import POLICY_MS_MAX

FRAME = VAD_FRAME
KINDS = ("answer", "dtmf", "silence", "announcement", *tones_book.KINDS)  # as SOUND_...
QUIET_MS_MAX = 20 * QUIET_FRAMES_MAX

Heard = namedtuple("Heard", "kind value at_ms until_ms confidence why")


cdef inline int64_t in_ms(int64_t samples) noexcept:
    return samples // MS_SAMPLES


cdef class Attention:
    """What is listened for."""

    def __cinit__(
        self, model=None, *, ToneBook book=None, PrintBank bank=None, labels=(), int quiet_ms=0,
        int tones_ms=0, int revise_ms=0,
    ):
        if not 0 <= quiet_ms <= QUIET_MS_MAX:
            raise ValueError(f"quiet_ms: 0 to {QUIET_MS_MAX}")
        if not 0 <= revise_ms <= POLICY_MS_MAX:
            raise ValueError(f"revise_ms: 0 to {POLICY_MS_MAX}")
        if bank is not None and len(labels) != len(bank):
            raise ValueError(f"{len(labels)} labels for {len(bank)} recordings")
        if tones_ms < 0:
            raise ValueError("tones_ms: 0 or more")
        self.model, self.book, self.bank, self.labels = model, book, bank, tuple(labels)
        if book is not None:
            self.asked.tones = &book.rules
            self.asked.tones_for = <int64_t> tones_ms * MS_SAMPLES
        if bank is not None and len(bank):
            self.asked.bank = &bank.bank
        self.asked.quiet = quiet_ms // 20
        self.asked.revise = revise_ms // 20
        if isinstance(model, Model):
            self.asked.answer = BY_MODEL
            self.asked.model = &(<Model> model).forest
        elif model is not None:
            rule_fill(&self.asked.classic, model)
            self.asked.answer = BY_CLASSIC

    cdef const Asked *wanted(self) noexcept:
        return &self.asked

    def words(self, int kind, int value, int detail):
        """What a sound is called, and why it is one."""
        if kind == SOUND_ANSWER:
            reasons = amd.REASONS if self.asked.answer == BY_MODEL else amd_classic.REASONS
            return amd.ANSWERS[value], reasons[detail]
        if kind == SOUND_KEY:
            return dtmf.DIGITS[value], ""
        if kind == SOUND_ANNOUNCEMENT:
            return self.labels[value], ""
        if kind == SOUND_TONE + TONE_SIT:
            return tones_sit.SITS[value], ""
        if kind == SOUND_TONE + TONE_FAX:
            return tones_book.FAXES[value], ""
        if SOUND_TONE <= kind < SOUND_TONE + TONE_FAX:
            return self.book.names[value], ""
        return "", ""


cdef class CallProgress:
    """One side of one call."""

    def __cinit__(self, Attention attention not None, *, bint answered=True, bint keys=True):
        self.attention = attention
        progress_init(&self.state)
        progress_keys(&self.state, keys)
        progress_begin(&self.state, attention.wanted(), &self.ears, answered)

    def __dealloc__(self):
        ears_close(&self.ears)

    def answered(self):
        progress_begin(&self.state, self.attention.wanted(), &self.ears, 1)

    def hear(self, const int16_t[::1] samples not None):
        cdef Py_ssize_t at = 0
        cdef int size
        heard = []
        while at < samples.shape[0]:
            size = <int> min(VAD_FRAME, samples.shape[0] - at)
            progress_hear(&self.state, &samples[at], size)
            at += size
            if self.state.sounds:
                heard += self.taken()
        return heard

    def gap(self, int samples):
        return self.missing(samples, 1)

    def silence(self, int samples):
        return self.missing(samples, 0)

    cdef list missing(self, int samples, bint lost):
        if samples < 0:
            raise ValueError(f"{samples} samples")
        heard = []
        while samples > 0:
            if lost:
                progress_gap(&self.state, min(samples, VAD_FRAME))
            else:
                progress_silence(&self.state, min(samples, VAD_FRAME))
            samples -= VAD_FRAME
            heard += self.taken()
        return heard

    def end(self):
        progress_end(&self.state)
        return self.taken()

    @property
    def done(self):
        return bool(progress_done(&self.state))

    def settle(self):
        progress_settle(&self.state)

    cdef list taken(self):
        cdef int i
        cdef Sound *s
        out = []
        for i in range(self.state.sounds):
            s = &self.state.sound[i]
            if s.goes_on:
                continue  # it is told when it is over, with its end
            value, why = self.attention.words(s.kind, s.value, s.detail)
            begin, end = in_ms(s.begin), in_ms(s.begin + s.length)
            if s.kind == SOUND_ANSWER:
                self.found_first = self.found
                self.found = amd.Verdict(
                    value, end, begin if self.first(s) else None, s.sure, why
                )
            out.append(Heard(KINDS[s.kind], value, begin, end, s.sure, why))
        self.state.sounds = 0
        return out

    cdef int first(self, const Sound *s):
        """Whether a verdict tells when the first voice came."""
        return self.state.asked.answer == BY_MODEL and self.ears.amd.known.first >= 0

    def verdict(self):
        return self.found

    def first_verdict(self):
        return self.found_first
