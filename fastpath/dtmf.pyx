# cython: auto_pickle=False, autotestdict=False
"""In-band keys. The rules, in the order a block of audio meets them:

1. A block that cannot hold two such tones is left alone: it is too quiet, or its samples follow
   their neighbours as those of a low voice do. That is most of what is heard in a call.
2. The power at the eight frequencies of Q.23: a correlation with each, which is what Goertzel's
   recurrence computes, but without a chain of dependent operations. The columns are left out where
   the rows alone say that there is no key.
3. The block may hold a key when its strongest row and column are loud enough, not too far apart,
   above their neighbours, and together half the energy there is: tones 1.5 % off and noise 10 dB
   below leave no more of it at the nominal frequencies.
4. Two such blocks in a row, of the same key, are measured at the frequencies they have
   (`dtmf_pair`). Q.24 wants 1.5 % accepted and 3.5 % refused: 2 % is as far as they may be off. Nor
   may one be 3.4 % further off than the other: so a sung vowel and its octave come near to a key.
5. Of these blocks the tones hold nearly all, and are as loud in one as in the other, within the
   twist allowed. Vowels that are sung are neither. Under much noise five such blocks do instead.
6. The tone lasted 31 ms, parts of blocks before and after counted: Q.24 wants 40 ms heard and
   23 ms ignored, and two whole blocks are found in 20 ms already.
7. The key is up when 19 ms of it are missing: an interruption of 10 ms does not make two of one.
"""

from libc.math cimport atan2f, cos, fabsf, sin, sqrtf
from libc.stdint cimport int8_t, int32_t, int64_t, uint32_t
from libc.string cimport memcpy, memset

from fastpath.dtmf_pair cimport DtmfPair, pair_fit
from fastpath.dtmf_sums cimport dl_dtmf_table, shrink, strongest, tone_sum, weigh

from fastpath import dtmf_make

DIGITS = dtmf_make.DIGITS
tone = dtmf_make.tone

cdef enum:
    RATE = 8000
cdef double PI = 3.14159265358979323846
cdef int[8] HERTZ = [697, 770, 852, 941, 1209, 1336, 1477, 1633]
cdef int[16] CODES = [1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15]  # row * 4 + column
# how far the phase turns from one block to the next
cdef float[8] TURN_COS, TURN_SIN, TURN

cdef float LEVEL_MIN = 5e7  # power of one tone in a block: -43 dBm0
# A block alone, measured where the tones should be: those that are off, and noise, leave little.
cdef float ROW_MAX = 20.0  # the row over the column: 13 dB
cdef float COLUMN_MAX = 10.0  # the column over the row
cdef float NEIGHBOUR = 1.26  # 1 dB above the others of its group, where the other tone leaks to
cdef float ENERGY_MIN = 0.52 * DTMF_BLOCK / 2
cdef float QUIET_MAX = 1.2e6 / 64  # two tones of LEVEL_MIN have more energy in a block
# How much of their energy neighbours share: the cosines of what is in a block, weighted by power.
# Columns alone are above 0.28 and rows below 0.86; a quarter of the energy may be anything.
cdef float NEXT_MIN = -0.05
cdef float NEXT_MAX = 0.89
cdef float COVERED_MIN = 2.4
cdef float ABSENT_MAX = 1.5
# Of two blocks in a row, measured where the tones are: they hold nine tenths of the energy even
# when noise is 10 dB below them, and both stay as loud.
cdef float OFF_ABOUT = 0.03  # by the frequencies they should have
cdef float OFF_MAX = 0.02
cdef float PURE_MIN = 0.86
# Under more noise than that the tones have to stay for longer: 64 ms.
cdef float NOISY_MIN = 0.8
cdef int HITS_NOISY = 5
cdef float STEADY_MAX = 2.5  # 4 dB
cdef float TWIST_ROW = 10.5  # 10.2 dB; Q.24 names up to 10 dB
cdef float TWIST_COLUMN = 5.0  # 7 dB
cdef float APART_MAX = 0.0342  # one is that much more off than the other: a voice an octave apart


cdef void fill_tables() noexcept:
    cdef int n, k
    cdef double turn
    for k in range(8):
        for n in range(DTMF_BLOCK):
            dl_dtmf_table[n][k] = <float> cos(2 * PI * HERTZ[k] * n / RATE)
            dl_dtmf_table[n][8 + k] = <float> sin(2 * PI * HERTZ[k] * n / RATE)
        turn = 2 * PI * HERTZ[k] * DTMF_BLOCK / RATE
        TURN_COS[k] = <float> cos(turn)
        TURN_SIN[k] = <float> sin(turn)
        TURN[k] = <float> turn


fill_tables()


cdef void dtmf_init(Dtmf *d) noexcept nogil:
    memset(d, 0, sizeof(Dtmf))
    d.hit_before = d.candidate = d.down = -1


cdef inline int alone(const float *power, int best) noexcept nogil:
    cdef int i
    for i in range(4):
        if i != best and power[i] * NEIGHBOUR > power[best]:
            return 0
    return 1


cdef inline int row_stands(const float *power, float energy) noexcept nogil:
    """Whether `judge` may find a key, whatever the columns are."""
    cdef int row = strongest(power)
    cdef float most = power[row] * (1 + COLUMN_MAX)  # of both
    return power[row] >= LEVEL_MIN and most >= ENERGY_MIN * energy and alone(power, row)


cdef int judge(const float *power, float energy) noexcept nogil:
    """The key in a block, as row * 4 + column; -1 when there is none."""
    cdef int row = strongest(power), column = strongest(power + 4)
    cdef float low = power[row], high = power[4 + column]
    if low < LEVEL_MIN or high < LEVEL_MIN or low > high * ROW_MAX or high > low * COLUMN_MAX:
        return -1
    if not alone(power, row) or not alone(power + 4, column):
        return -1
    if low + high < ENERGY_MIN * energy:
        return -1
    return row * 4 + column


cdef float off_by(const float *now, const float *then, int t) noexcept nogil:
    """By which part of itself a frequency is off: its turn between blocks, less what is due."""
    cdef float re = now[t] * then[t] + now[8 + t] * then[8 + t]
    cdef float im = now[t] * then[8 + t] - now[8 + t] * then[t]
    # the sums are conjugates of a transform: a tone turns them by minus its phase
    return atan2f(
        im * TURN_COS[t] - re * TURN_SIN[t], re * TURN_COS[t] + im * TURN_SIN[t]
    ) / TURN[t]


cdef inline int in_tune(const float *off, float most) noexcept nogil:
    return fabsf(off[0]) <= most and fabsf(off[1]) <= most


cdef inline float part(float power, float whole) noexcept nogil:
    """How much of a block a tone fills, by its power there and in a block it fills."""
    return 1 if power >= whole else sqrtf(power / whole)


cdef int alike(const Dtmf *d, int hit, const float *off, float *empty) noexcept nogil:
    """Whether this block and the one before hold the same two tones: 2: and little else, a voice is
    never so still; 0: one of them is not full of them; -1: they are out of tune. `empty`: the part
    of the one before in which they had not begun."""
    cdef int16_t before[DTMF_BLOCK]
    cdef DtmfPair p
    cdef float rows, columns
    soft_out(d, &before[0])
    pair_fit(
        &d.audio[0], &before[0], HERTZ[hit // 4], HERTZ[4 + hit % 4], off[0], off[1], &p
    )
    if not in_tune(&p.off[0], OFF_MAX) or fabsf(p.off[0] - p.off[1]) > APART_MAX:
        return -1
    rows = p.power[0][0] + p.power[0][1]
    columns = p.power[1][0] + p.power[1][1]
    if (
        rows > columns * TWIST_ROW or columns > rows * TWIST_COLUMN
        or not steady(&p.power[0][0]) or not steady(&p.power[1][0])
    ):
        return 0
    empty[0] = 1 - max(part(p.power[0][1], p.power[0][0]), part(p.power[1][1], p.power[1][0]))
    return (p.pure >= NOISY_MIN) + (p.pure >= PURE_MIN)


cdef inline int steady(const float *power) noexcept nogil:
    return power[0] <= STEADY_MAX * power[1] and power[1] <= STEADY_MAX * power[0]


cdef inline float part_of(
    const float *power, int row, int column, const float *level
) noexcept nogil:
    return min(part(power[row], level[0]), part(power[column], level[1]))


cdef void release(Dtmf *d, int64_t until) noexcept nogil:
    """The key that was told is up."""
    d.up.code = <uint8_t> CODES[d.down]
    d.up.position = d.pressed
    d.down = -1
    d.until = until
    d.ups += 1


cdef void tell(Dtmf *d) noexcept nogil:
    if d.down >= 0:
        release(d, d.began)
    d.down = d.candidate
    d.pressed = d.began
    d.candidate = -1
    d.absent = 0
    if d.digits < DTMF_OUT_MAX:
        d.digit[d.digits].code = <uint8_t> CODES[d.down]
        d.digit[d.digits].position = d.began
        d.digits += 1


cdef void follow(Dtmf *d, int hit, const float *power) noexcept nogil:
    """A key is down: is it still?"""
    cdef int row = d.down // 4, column = 4 + d.down % 4
    cdef float missing
    if hit == d.down:
        d.absent = 0
        d.level[0] = power[row]
        d.level[1] = power[column]
        return
    missing = 1 - part_of(power, row, column, d.level) if hit < 0 else 1
    if d.absent == 0:  # its end may lie in this block
        d.until = d.heard - <int64_t> (missing * DTMF_BLOCK)
    d.absent += missing
    if d.absent >= ABSENT_MAX:
        release(d, d.until)


cdef inline int is_key(const Dtmf *d) noexcept nogil:
    return d.covered >= COVERED_MIN and (d.sure and d.hits >= 2 or d.hits >= HITS_NOISY)


cdef void gather(Dtmf *d, int hit, const float *power) noexcept nogil:
    """Add what a block says for a key that was not told yet."""
    cdef int row, column
    cdef float ahead
    cdef float power_before[DTMF_TONES]
    if hit < 0:
        if d.candidate >= 0:  # its end lies in this block
            d.covered += part_of(power, d.candidate // 4, 4 + d.candidate % 4, d.level)
            if is_key(d):
                tell(d)
            d.candidate = -1
        return
    row = hit // 4
    column = 4 + hit % 4
    d.level[0] = power[row]
    d.level[1] = power[column]
    if hit != d.candidate:
        look_back(d)
        powers(&d.before[0], power_before)
        ahead = part_of(power_before, row, column, d.level)
        d.candidate = <int8_t> hit
        d.hits = d.sure = 0
        d.covered = ahead
        d.began = d.heard - DTMF_BLOCK - <int64_t> (ahead * DTMF_BLOCK)
    d.hits += 1
    d.covered += 1
    if is_key(d):
        tell(d)


cdef int possible(const int16_t *samples, int32_t *sums) noexcept nogil:
    """Whether a block may hold a key, by what costs little."""
    cdef float mean, energy
    weigh(samples, sums)
    mean = <float> sums[0] * sums[0] / DTMF_BLOCK
    energy = sums[1] - mean
    return energy >= QUIET_MAX and NEXT_MIN * energy <= sums[2] - mean <= NEXT_MAX * energy


cdef void powers(const float *sums, float *power) noexcept nogil:
    cdef int k
    for k in range(DTMF_TONES):
        power[k] = sums[k] * sums[k] + sums[8 + k] * sums[8 + k]


cdef void look_back(Dtmf *d) noexcept nogil:
    """The tones of the block before, if nobody asked for them yet."""
    cdef int16_t samples[DTMF_BLOCK]
    if d.known:
        return
    soft_out(d, &samples[0])
    tone_sum(&d.before[0], &samples[0], 0)
    tone_sum(&d.before[0], &samples[0], 1)
    d.known = 1


cdef void put_by(Dtmf *d, int32_t energy) noexcept nogil:
    """Keep a block: a key may begin in it, or go on in the next."""
    d.shift = 0
    while energy >> 2 * d.shift > 25 * DTMF_BLOCK:  # a mean of 40, of eighths
        d.shift += 1
    shrink(&d.audio[0], d.shift, &d.soft[0])


cdef void soft_out(const Dtmf *d, int16_t *samples) noexcept nogil:
    cdef int i
    for i in range(DTMF_BLOCK):
        samples[i] = <int16_t> (d.soft[i] << d.shift)


cdef int second(Dtmf *d, const float *sums, int hit) noexcept nogil:
    """What a block says that has the key of the one before: the key, or -1."""
    cdef float[2] off
    cdef float empty = 0
    cdef int found
    off[0] = off_by(sums, &d.before[0], hit // 4)
    off[1] = off_by(sums, &d.before[0], 4 + hit % 4)
    if not in_tune(&off[0], OFF_ABOUT):
        found = -1
    elif hit != d.candidate:
        return hit
    else:
        found = alike(d, hit, &off[0], &empty)
    if found > 0:
        d.sure |= found == 2
        if d.hits == 1:
            d.covered -= empty
            d.began += <int64_t> (empty * DTMF_BLOCK)
        return hit
    if hit != d.candidate or d.hits >= 2:
        return -1  # its end lies in this block
    d.candidate = -1  # it began in the block before: this may be the first it fills
    return hit


cdef void block_end(Dtmf *d) noexcept nogil:
    cdef float power[DTMF_TONES]
    cdef float sums[2 * DTMF_TONES]
    cdef int32_t weights[3]
    cdef int hit, there = possible(&d.audio[0], &weights[0]), idle = d.candidate < 0 and d.down < 0
    cdef float energy = 64 * (weights[1] - <float> weights[0] * weights[0] / DTMF_BLOCK)
    d.count = 0
    memset(&sums[0], 0, sizeof(sums))
    if there or not idle:
        tone_sum(&sums[0], &d.audio[0], 0)
        powers(&sums[0], power)
        there = row_stands(power, energy)
    if idle and not there:
        d.hit_before = -1
        d.known = 0
        put_by(d, weights[1])
        return
    tone_sum(&sums[0], &d.audio[0], 1)
    powers(&sums[0], power)
    hit = judge(power, energy)
    if hit >= 0 and hit == d.hit_before:
        hit = second(d, &sums[0], hit)
    if d.down >= 0:
        follow(d, hit, power)
    if d.down < 0 or hit != d.down:
        gather(d, hit, power)
    d.hit_before = <int8_t> hit
    memcpy(&d.before[0], &sums[0], sizeof(sums))
    d.known = 1
    put_by(d, weights[1])


cdef void dtmf_hear(Dtmf *d, const int16_t *samples, int count) noexcept nogil:
    """Hear samples that follow on those before."""
    cdef int room
    d.lost = 0
    while count > 0:
        room = min(count, DTMF_BLOCK - d.count)
        memcpy(&d.audio[d.count], samples, room * sizeof(int16_t))
        d.count += <uint8_t> room
        d.heard += room
        samples += room
        count -= room
        if d.count == DTMF_BLOCK:
            block_end(d)


cdef void dtmf_gap(Dtmf *d, int64_t count) noexcept nogil:
    """Samples that did not arrive. After a short gap a key goes on as if nothing were missing."""
    if d.lost + count > DTMF_GAP_MAX and d.down >= 0:
        release(d, d.heard - d.lost)
    d.lost += count
    d.heard += count
    d.count = 0
    d.hit_before = -1
    if d.lost > DTMF_GAP_MAX:
        memset(&d.soft[0], 0, sizeof(d.soft))
        d.known = 0
        d.candidate = -1


cdef class DtmfDetector:
    """One side of a call."""

    def __cinit__(self):
        dtmf_init(&self.state)
        self.ends = []

    def hear(self, const int16_t[::1] samples):
        cdef Py_ssize_t at = 0, size
        cdef int i
        cdef uint32_t ups
        heard = []
        while at < samples.shape[0]:
            size = min(160, samples.shape[0] - at)
            ups = self.state.ups
            dtmf_hear(&self.state, &samples[at], <int> size)
            if self.state.ups != ups:
                self.ends.append(self.state.until)
            at += size
            for i in range(self.state.digits):
                heard.append((DIGITS[self.state.digit[i].code], self.state.digit[i].position))
            self.state.digits = 0
        return heard

    def gap(self, int64_t samples):
        if samples < 0:
            raise ValueError(f"a gap of {samples} samples")
        ups = self.state.ups
        dtmf_gap(&self.state, samples)
        if self.state.ups != ups:
            self.ends.append(self.state.until)
