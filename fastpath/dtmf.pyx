# cython: auto_pickle=False, autotestdict=False
"""In-band keys. The rules, in the order a block of audio meets them:

1. A block that cannot hold two such tones is left alone: it is too quiet, or its samples follow
   their neighbours as those of a low voice do. That is most of what is heard in a call.
2. The power at the eight frequencies of Q.23: a correlation with each, which is what Goertzel's
   recurrence computes, but without a chain of dependent operations.
3. The block holds a key when its strongest row and column are loud enough, apart by no more than
   the twist allowed, well above their neighbours, and together nearly all the energy there is.
4. Two such blocks in a row, of the same key, whose phases advance as the two frequencies ask: a
   tone that is 2.2 % off turns too far. Q.24 wants 1.5 % accepted and 3.5 % refused; the energy
   alone tells them apart at the upper frequencies only. Nor may one be 3.3 % further off than the
   other: so a sung vowel and its octave come near to a key.
5. Of these blocks the tones hold nearly all, and are as loud in one as in the other. Vowels that
   are sung are neither. Under much noise five such blocks do instead.
6. The tone lasted 31 ms, parts of blocks before and after counted: Q.24 wants 40 ms heard and
   23 ms ignored, and two whole blocks are found in 20 ms already.
7. The key is up when 19 ms of it are missing: an interruption of 10 ms does not make two of one.
"""

from libc.math cimport atan2f, cos, fabsf, sin, sqrtf
from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcpy, memset

from fastpath.dtmf_sums cimport dl_dtmf_table, tone_sum, weigh

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
# how much of a column is seen at a row's frequency in a block, as a complex number
cdef float[4][4] LEAK_RE, LEAK_IM

cdef float LEVEL_MIN = 7e7  # power of one tone in a block: -42 dBm0
cdef float ROW_MAX = 12.6  # the row over the column: 11 dB; Q.24 names up to 10 dB
cdef float COLUMN_MAX = 6.3  # the column over the row: 8 dB
cdef float NEIGHBOUR = 4.0  # 6 dB above the others of its group, where the other tone leaks to
cdef float ENERGY_MIN = 0.70 * DTMF_BLOCK / 2
cdef float QUIET_MAX = 1.2e6 / 64  # two tones of LEVEL_MIN have more energy in a block
# How much of their energy neighbours share: the cosines of what is in a block, weighted by power.
# Columns alone are above 0.28 and rows below 0.86; a quarter of the energy may be anything.
cdef float NEXT_MIN = -0.05
cdef float NEXT_MAX = 0.89
cdef float COVERED_MIN = 2.4
cdef float ABSENT_MAX = 1.5
cdef float OFF_MAX = 0.022
# Of two blocks in a row, after what is lost of a tone that is off was put back: the tones hold
# nine tenths of the energy even when noise is 10 dB below them, and both stay as loud.
cdef float PURE_MIN = 0.875
# Under more noise than that the tones have to stay for longer: 64 ms.
cdef float NOISY_MIN = 0.75
cdef int HITS_NOISY = 5
cdef float STEADY_MAX = 2.0  # 3 dB
cdef float TWIST_ROW = 9.1  # 9.6 dB
cdef float TWIST_COLUMN = 5.0  # 7 dB
cdef float APART_MAX = 0.033  # one is that much more off than the other: a voice an octave apart


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
    for k in range(16):
        turn = 2 * PI * (HERTZ[4 + k % 4] - HERTZ[k // 4]) / RATE
        LEAK_RE[k // 4][k % 4] = LEAK_IM[k // 4][k % 4] = 0
        for n in range(DTMF_BLOCK):
            LEAK_RE[k // 4][k % 4] += <float> (cos(turn * n) / DTMF_BLOCK)
            LEAK_IM[k // 4][k % 4] += <float> (sin(turn * n) / DTMF_BLOCK)


fill_tables()


cdef void dtmf_init(Dtmf *d) noexcept nogil:
    memset(d, 0, sizeof(Dtmf))
    d.hit_before = d.candidate = d.down = -1


cdef inline int strongest(const float *power) noexcept nogil:
    cdef int i, best = 0
    for i in range(1, 4):
        if power[i] > power[best]:
            best = i
    return best


cdef inline int alone(const float *power, int best) noexcept nogil:
    cdef int i
    for i in range(4):
        if i != best and power[i] * NEIGHBOUR > power[best]:
            return 0
    return 1


cdef float energy_of(const int16_t *samples) noexcept nogil:
    """Without the mean, which is no part of it: cheap converters add one."""
    cdef int64_t total = 0, energy = 0
    cdef int i
    for i in range(DTMF_BLOCK):
        energy += <int> samples[i] * samples[i]
        total += samples[i]
    return <float> (energy - total * total // DTMF_BLOCK)


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


cdef float off_by(const Dtmf *d, int t) noexcept nogil:
    """By which part of itself a frequency is off: its turn between blocks, less what is due."""
    cdef const float *now = &d.sums[0]
    cdef const float *then = &d.before[0]
    cdef float re = now[t] * then[t] + now[8 + t] * then[8 + t]
    cdef float im = now[t] * then[8 + t] - now[8 + t] * then[t]
    # the sums are conjugates of a transform: a tone turns them by minus its phase
    return atan2f(
        im * TURN_COS[t] - re * TURN_SIN[t], re * TURN_COS[t] + im * TURN_SIN[t]
    ) / TURN[t]


cdef int in_tune(float row, float column) noexcept nogil:
    return fabsf(row) <= OFF_MAX and fabsf(column) <= OFF_MAX and fabsf(row - column) <= APART_MAX


cdef inline float seen(int t, float off) noexcept nogil:
    """How much of a tone's power is seen at its frequency in a block when it is off by so much."""
    cdef float x = 0.5 * TURN[t] * off
    cdef float y = x * x
    cdef float sine = 1 - y / 6 + y * y / 120  # of x, over x
    return sine * sine


cdef void fit(const float *sums, int row, int column, float *a) noexcept nogil:
    """The two tones apart: what each leaks to the other's frequency is taken out."""
    cdef float re = LEAK_RE[row][column - 4], im = LEAK_IM[row][column - 4]
    cdef float whole = DTMF_BLOCK * (1 - re * re - im * im)
    a[0] = (sums[row] - re * sums[column] - im * sums[8 + column]) / whole
    a[1] = (-sums[8 + row] + re * sums[8 + column] - im * sums[column]) / whole
    a[2] = (sums[column] - re * sums[row] + im * sums[8 + row]) / whole
    a[3] = (-sums[8 + column] + re * sums[8 + row] + im * sums[row]) / whole


cdef int steady(const Dtmf *d, int hit, float row, float column, float energy) noexcept nogil:
    """Whether two blocks hold the same two tones: 2: and little else, a voice is never so still."""
    cdef int low = hit // 4, high = 4 + hit % 4, k
    cdef float part_row = sqrtf(seen(low, row)), part_column = sqrtf(seen(high, column))
    cdef float[2][4] a
    cdef float[2] rows, columns
    cdef float both, pure = 0
    fit(&d.sums[0], low, high, &a[0][0])
    fit(&d.before[0], low, high, &a[1][0])
    for k in range(2):
        rows[k] = (a[k][0] * a[k][0] + a[k][1] * a[k][1]) / (part_row * part_row)
        columns[k] = (a[k][2] * a[k][2] + a[k][3] * a[k][3]) / (part_column * part_column)
        both = LEAK_RE[low][high - 4] * (a[k][0] * a[k][2] + a[k][1] * a[k][3]) - (
            LEAK_IM[low][high - 4] * (a[k][0] * a[k][3] - a[k][1] * a[k][2])
        )
        both = rows[k] + columns[k] + 2 * both / (part_row * part_column)
        pure += min(2 * DTMF_BLOCK * both / (d.energy_before if k else energy), <float> 1.0)
    if (
        rows[0] + rows[1] > (columns[0] + columns[1]) * TWIST_ROW
        or columns[0] + columns[1] > (rows[0] + rows[1]) * TWIST_COLUMN
        or max(rows[0], rows[1]) > STEADY_MAX * min(rows[0], rows[1])
        or max(columns[0], columns[1]) > STEADY_MAX * min(columns[0], columns[1])
    ):
        return 0
    return (pure >= 2 * NOISY_MIN) + (pure >= 2 * PURE_MIN)


cdef inline float part(float power, float whole) noexcept nogil:
    """How much of a block a tone fills, by its power there and in a block it fills."""
    return 1 if power >= whole else sqrtf(power / whole)


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
        ahead = part_of(d.power_before, row, column, d.level)
        d.candidate = hit
        d.hits = d.sure = 0
        d.covered = ahead
        d.began = d.heard - DTMF_BLOCK - <int64_t> (ahead * DTMF_BLOCK)
    d.hits += 1
    d.covered += 1
    if is_key(d):
        tell(d)


cdef int possible(const int16_t *samples) noexcept nogil:
    """Whether a block may hold a key, by what costs little."""
    cdef int32_t sums[3]
    cdef float mean, energy
    weigh(samples, &sums[0])
    mean = <float> sums[0] * sums[0] / DTMF_BLOCK
    energy = sums[1] - mean
    return energy >= QUIET_MAX and NEXT_MIN * energy <= sums[2] - mean <= NEXT_MAX * energy


cdef void powers(const float *sums, float *power) noexcept nogil:
    cdef int k
    for k in range(DTMF_TONES):
        power[k] = sums[k] * sums[k] + sums[8 + k] * sums[8 + k]


cdef void look_back(Dtmf *d) noexcept nogil:
    """The powers of the block before, if nobody asked for them yet."""
    if not d.known:
        tone_sum(&d.before[0], &d.audio[not d.half][0])
        powers(&d.before[0], &d.power_before[0])
        d.known = 1


cdef void block_end(Dtmf *d) noexcept nogil:
    cdef const int16_t *samples = &d.audio[d.half][0]
    cdef float power[DTMF_TONES]
    cdef float row, column, energy
    cdef int hit, alike
    d.count = 0
    if not possible(samples) and d.candidate < 0 and d.down < 0:
        d.hit_before = -1
        d.known = 0
        d.half = not d.half
        return
    tone_sum(&d.sums[0], samples)
    powers(&d.sums[0], power)
    energy = energy_of(samples)
    hit = judge(power, energy)
    if hit >= 0 and hit == d.hit_before:
        row = off_by(d, hit // 4)
        column = off_by(d, 4 + hit % 4)
        if not in_tune(row, column):
            if hit == d.candidate:
                d.candidate = -1
            hit = -1
        elif hit == d.candidate:
            alike = steady(d, hit, row, column, energy)
            d.sure |= alike == 2
            if not alike and d.hits >= 2:
                hit = -1  # its end lies in this block
            elif not alike:
                d.candidate = -1  # it began in the block before: this is the first it fills
    if d.down >= 0:
        follow(d, hit, power)
    if d.down < 0 or hit != d.down:
        gather(d, hit, power)
    d.hit_before = hit
    d.energy_before = energy
    memcpy(&d.power_before[0], power, sizeof(power))
    memcpy(&d.before[0], &d.sums[0], sizeof(d.sums))
    d.known = 1
    d.half = not d.half


cdef void dtmf_hear(Dtmf *d, const int16_t *samples, int count) noexcept nogil:
    """Hear samples that follow on those before."""
    cdef int room
    d.lost = 0
    while count > 0:
        room = min(count, DTMF_BLOCK - d.count)
        memcpy(&d.audio[d.half][d.count], samples, room * sizeof(int16_t))
        d.count += room
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
        memset(&d.audio[not d.half][0], 0, sizeof(d.audio[0]))
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
