# cython: auto_pickle=False, autotestdict=False
"""Tone plans, compiled, and how well a rule of one fits what was heard.

A rule sounds like a burst when every strong line of the burst is one of the rule's frequencies, and
each of these is there. It fits a row of bursts when their lengths, and the silences between them,
are those of its rhythm from some place of it on, counted back from the last.
"""

from libc.math cimport fabs
from libc.string cimport memset

from fastpath.tones_spectrum cimport TORN_HERTZ

KINDS = (
    "ringback", "busy", "congestion", "dial", "other",
    "fax", "sit", "beep", "music", "speech", "silence",
)  # fmt: skip
FAXES = ("cng", "ced", "bell", "ansam")
RULES_MAX = BOOK_RULES_MAX - 3
STEPS_MAX = RULE_STEPS_MAX
HERTZ_MAX = RULE_HERTZ_MAX

cdef float WEAK = 0.1  # share of the strongest line under which one is not asked for
cdef float WEAKEST = 0.05  # the same for one that should be alone
cdef float TORN_WEAKEST = 0.1  # the same through GSM full rate, which mirrors high ones
cdef float STRAY = 0.3  # and under which one beside it is the codec's
cdef float STRAY_HERTZ = 60.0
cdef float HARMONIC = 0.15
cdef float FINE_HERTZ = 1.5  # how exactly a spectrum tells
cdef float COARSE_HERTZ = 6.0
cdef float TOGETHER_HERTZ = 63.0  # the short window shows such a pair as one line
cdef float DRIFT_MAX = 0.015
cdef float WAVERS_MAX = 2.8
cdef enum:
    LEAST_ROOM = 45 * 8  # samples a step may be off in any case
    SHORT_RHYTHM = 1500 * 8  # of such a one a burst may be missed
    CUT = 320  # a burst that began with the audio is the rest of one
    ALONE_MS = 1000  # a shorter burst says nothing alone: voices have vowels as long


cdef inline int near(
    const ToneRule *r, const Peaks *heard, float hertz, float meant
) noexcept nogil:
    cdef float room = meant * r.off + (FINE_HERTZ if heard.fine else COARSE_HERTZ)
    return fabs(hertz - meant) <= room


cdef int belongs(const ToneRule *r, const Peaks *heard, int line) noexcept nogil:
    """Whether a line that was heard is the rule's."""
    cdef float hertz = heard.hertz[line], meant
    cdef int i
    for i in range(r.tones):
        meant = r.hertz[i]
        if near(r, heard, hertz, meant):
            return 1
        if r.sideband and fabs(hertz - meant) <= 1.25 * r.sideband + meant * r.off:
            return 1
    if not heard.fine and r.tones > 1:  # a pair in one line
        for i in range(r.tones - 1):
            if fabs(r.hertz[i + 1] - r.hertz[i]) < TOGETHER_HERTZ and (
                near(r, heard, hertz, 0.5 * (r.hertz[i] + r.hertz[i + 1]))
                or (hertz > r.hertz[i]) != (hertz > r.hertz[i + 1])
            ):
                return 1
    return 0


cdef int is_there(const ToneRule *r, const Peaks *heard, int tone) noexcept nogil:
    """Whether one of the rule's frequencies was heard."""
    cdef int i
    for i in range(heard.count):
        if near(r, heard, heard.hertz[i], r.hertz[tone]):
            return 1
        # two sidebands, their carrier between them
        if r.sideband and i and (heard.hertz[i] > r.hertz[0]) != (heard.hertz[0] > r.hertz[0]):
            return 1
    if heard.fine:
        return 0
    for i in range(r.tones):
        if i != tone and fabs(r.hertz[i] - r.hertz[tone]) < TOGETHER_HERTZ:
            return 1
    return 0


cdef int rule_sounds(const ToneRule *r, const Peaks *heard) noexcept nogil:
    """Whether a rule has the frequencies of a burst."""
    cdef int i
    if heard.count == 0 or not belongs(r, heard, 0):
        return 0
    for i in range(1, heard.count):
        if heard.share[i] < WEAK * heard.share[0] or belongs(r, heard, i):
            continue
        if heard.share[i] > STRAY * heard.share[0]:
            return 0
        if fabs(heard.hertz[i] - heard.hertz[0]) > STRAY_HERTZ:
            return 0
    for i in range(r.tones):
        if not is_there(r, heard, i):
            return 0
    return 1


cdef int plain(const Peaks *heard) noexcept nogil:
    """Whether it is one pure tone: a codec's shadows and a third harmonic are no others."""
    cdef int i
    cdef float third, weakest = TORN_WEAKEST if heard.hertz[0] > TORN_HERTZ else WEAKEST
    for i in range(1, heard.count):
        third = fabs(heard.hertz[i] / heard.hertz[0] - 3)
        if heard.share[i] < weakest * heard.share[0]:
            continue
        if third < 0.02 and heard.share[i] < HARMONIC * heard.share[0]:
            continue
        if heard.share[i] > STRAY * heard.share[0]:
            return 0
        if fabs(heard.hertz[i] - heard.hertz[0]) > STRAY_HERTZ:
            return 0
    return heard.count > 0


cdef int rule_room(const ToneRule *r, int step) noexcept nogil:
    """Samples that a step of the rhythm may be off."""
    cdef int room = <int> (r.slack * r.step[step])
    return room if room > LEAST_ROOM else LEAST_ROOM


cdef inline float missed(const ToneRule *r, int step, int64_t length) noexcept nogil:
    """How far a step is off, 1 being as far as it may."""
    return fabs(<float> (length - r.step[step])) / rule_room(r, step)


cdef inline int steady(const ToneRule *r, const Burst *b) noexcept nogil:
    """Whether a burst is made by a machine: it stands still between silences."""
    if b.silence != 3 or b.wavers > WAVERS_MAX:
        return 0
    return r.sideband > 0 or b.drift <= DRIFT_MAX  # sidebands are too near to be told apart


cdef void fit_from(
    const ToneRule *r, const Burst *burst, int count, int step, Fit *fit
) noexcept nogil:
    """Go back from the last burst, which is taken for this step."""
    cdef int at = count - 1, steps = 0
    cdef float one
    memset(fit, 0, sizeof(Fit))
    fit.step = step
    while at >= 0:
        if not steady(r, &burst[at]):
            break
        one = missed(r, step, burst[at].end - burst[at].begin)
        if one > 1 and not (burst[at].begin < CUT and burst[at].end < r.step[step]):
            break
        fit.error += one * one
        fit.bursts += 1
        steps += 1
        if at == 0 or burst[at].broken or not rule_sounds(r, &burst[at - 1].peaks):
            break
        step = (step + r.steps - 1) % r.steps
        one = missed(r, step, burst[at].begin - burst[at - 1].end)
        if one > 1:
            break
        fit.error += one * one
        steps += 1
        step = (step + r.steps - 1) % r.steps
        at -= 1
    if steps < 2 and burst[count - 1].begin < CUT:
        fit.bursts = 0  # the rest of one says nothing alone
    elif steps:
        fit.error /= steps


cdef void rule_fit(const ToneRule *r, const Burst *burst, int count, Fit *fit) noexcept nogil:
    """The best fit of a rhythm to the last bursts, wherever in it they began."""
    cdef Fit found
    cdef int step
    memset(fit, 0, sizeof(Fit))
    if count == 0 or not rule_sounds(r, &burst[count - 1].peaks):
        return
    for step in range(0, r.steps, 2):
        fit_from(r, burst, count, step, &found)
        if found.bursts > fit.bursts or (
            found.bursts == fit.bursts and found.error < fit.error
        ):
            fit[0] = found


cdef int rule_rest(const ToneRules *book, const Burst *b) noexcept nogil:
    """Whether a burst that began with the audio may be the rest of one of a rhythm."""
    cdef const ToneRule *r
    cdef int number, step
    if b.begin >= CUT:
        return 0
    for number in range(book.count):
        r = &book.rule[number]
        if not rule_sounds(r, &b.peaks):
            continue
        for step in range(0, r.steps, 2):
            if b.end - b.begin <= r.step[step] + rule_room(r, step):
                return 1
    return 0


cdef int64_t pause_max(const ToneRule *r, int step) noexcept nogil:
    """The longest silence behind a burst of a rhythm."""
    return r.step[step + 1] + rule_room(r, step + 1)


cdef int64_t rule_waits(const ToneRule *r, int step) noexcept nogil:
    """How long what was told goes on without a further burst."""
    cdef int64_t most = pause_max(r, step)
    cdef int whole = 0, i
    for i in range(r.steps):
        whole += r.step[i]
    return most + whole if whole < SHORT_RHYTHM else most


cdef float fit_sure(const Fit *fit, const Burst *b) noexcept nogil:
    """How sure so many bursts of a rhythm make."""
    cdef float most = 0.97
    if fit.bursts < 4:
        most = 0.6 if fit.bursts == 1 else 0.85 if fit.bursts == 2 else 0.93
    return most * (1 - <float> 0.2 * fit.error) * min(b.peaks.pure / <float> 0.85, 1)


cdef int rule_longer(
    const ToneRules *book, int than, const Burst *burst, int count, int64_t silence, int64_t *wait
) noexcept nogil:
    """A rule of the same meaning as `than` whose pause is not over; -1: there is none."""
    cdef const ToneRule *r
    cdef Fit fit
    cdef int number
    for number in range(book.count):
        r = &book.rule[number]
        if r.kind != book.rule[than].kind or r.steps == 0 or number == than:
            continue
        rule_fit(r, burst, count, &fit)
        wait[0] = pause_max(r, fit.step)
        if fit.bursts and wait[0] > silence:
            return number
    return -1


cdef class ToneBook:
    """The rules of one or several plans."""

    def __cinit__(self, rules):
        cdef int number = 0
        names = []
        rules = list(rules)
        if len(rules) > RULES_MAX:
            raise ValueError(f"{len(rules)} tones; {RULES_MAX} at most")
        memset(&self.rules, 0, sizeof(ToneRules))
        for one in rules:
            fill(&self.rules.rule[number], one)
            names.append(str(one["name"]))
            number += 1
        self.rules.first_fax = number
        # ITU-T T.30: 1,100 +- 38 Hz, half a second of 3.5 s, and 2,100 +- 15 Hz; Bell's answer.
        # A single burst of the first may be the beep of an answering machine.
        for value, hertz, off, steps in (
            (0, 1100.0, 0.032, (500, 3000)), (1, 2100.0, 0.02, ()), (2, 2225.0, 0.02, ()),
        ):
            fill(&self.rules.rule[number], {
                "name": FAXES[value], "kind": "fax", "hertz": [hertz], "off": off,
                "cadence_ms": steps, "slack": 0.16, "bursts": 2 if steps else 1,
                "lasting_ms": 900,
            })  # fmt: skip
            self.rules.rule[number].value = value
            names.append(FAXES[value])
            number += 1
        self.rules.count = number
        self.names = tuple(names)

    def __len__(self):
        return self.rules.first_fax


cdef int bounded(str what, value, double least, double most) except -1:
    if not least <= value <= most:
        raise ValueError(f"{what} {value}: from {least:g} to {most:g}")
    return 0


cdef int fill(ToneRule *r, one) except -1:
    """Lay out a rule; ValueError when it is out of bounds."""
    cdef int i
    hertz, steps = list(one["hertz"]), list(one["cadence_ms"])
    if one["kind"] not in KINDS[:TONE_FAX + 1]:
        raise ValueError(f"not a kind of tone: {one['kind']!r}")
    bounded("frequencies", len(hertz), 1, RULE_HERTZ_MAX)
    bounded("steps of a cadence", len(steps), 0, RULE_STEPS_MAX)
    if len(steps) % 2:
        raise ValueError(f"{len(steps)} steps of a cadence: each on needs its off")
    r.kind = KINDS.index(one["kind"])
    r.tones = len(hertz)
    r.steps = len(steps)
    for i in range(r.tones):
        bounded("hertz", hertz[i], 200, 3600)
        r.hertz[i] = hertz[i]
    for i in range(r.steps):
        bounded("milliseconds", steps[i], 80, 20_000)
        r.step[i] = 8 * steps[i]
    for what, usual, most in (("sideband", 0.0, 100), ("off", 0.017, 0.1), ("slack", 0.2, 0.5)):
        bounded(what, one.get(what, usual), 0, most)
    r.sideband = one.get("sideband", 0.0)
    r.off = one.get("off", 0.017)
    r.slack = one.get("slack", 0.2)
    short = r.steps > 0 and max(steps[::2]) < ALONE_MS
    bounded("bursts", one.get("bursts", 1), 1, RHYTHM_MAX)
    r.bursts = one.get("bursts", 2 if short else 1)
    bounded("lasting_ms", one.get("lasting_ms", 1), 1, 20_000)
    r.lasting = 8 * one.get("lasting_ms", 1000)
    return 0
