# cython: auto_pickle=False, autotestdict=False
"""In-band keys. The rules, in the order a block of audio meets them:

1. The power at the eight frequencies of Q.23: a correlation with each, which is what Goertzel's
   recurrence computes, but without a chain of dependent operations.
2. The block holds a key when its strongest row and column are loud enough, apart by no more than
   the twist allowed, well above their neighbours, and together nearly all the energy there is.
3. Two such blocks in a row, of the same key, whose phases advance as the two frequencies ask: a
   tone that is 2.2 % off turns too far. Q.24 wants 1.5 % accepted and 3.5 % refused; the energy
   alone tells them apart at the upper frequencies only.
4. The tone lasted 31 ms, parts of blocks before and after counted: Q.24 wants 40 ms heard and
   23 ms ignored, and two whole blocks are found in 20 ms already.
5. The key is up when 19 ms of it are missing: an interruption of 10 ms does not make two of one.
"""

from libc.math cimport cos, rint, sin, sqrtf
from libc.string cimport memset

DIGITS = "0123456789*#ABCD"

cdef extern from *:
    """
    typedef float dl_four __attribute__((vector_size(16)));
    /* cosines and sines of the eight tones, by the sample of a block */
    static float dl_dtmf_table[102][16] __attribute__((aligned(16)));

    /* Add `count` samples, the first being number `at` of its block. Two samples at a time: the
       sums of one would wait for each other. */
    static inline void dl_dtmf_sum(float *sums, int at, const int16_t *samples, int count) {
        dl_four a[4], b[4];
        const dl_four *row = (const dl_four *) dl_dtmf_table[at];
        int i, k;
        memcpy(a, sums, sizeof a);
        memset(b, 0, sizeof b);
        for (i = 0; i + 1 < count; i += 2, row += 8) {
            float x = samples[i], y = samples[i + 1];
            for (k = 0; k < 4; k++) {
                a[k] += row[k] * x;
                b[k] += row[4 + k] * y;
            }
        }
        if (i < count)
            for (k = 0; k < 4; k++)
                a[k] += row[k] * (float) samples[i];
        for (k = 0; k < 4; k++)
            a[k] += b[k];
        memcpy(sums, a, sizeof a);
    }
    """
    float dl_dtmf_table[102][16]
    void tone_sum "dl_dtmf_sum"(
        float *sums, int at, const int16_t *samples, int count
    ) noexcept nogil

cdef enum:
    RATE = 8000

cdef double PI = 3.14159265358979323846
cdef int[8] HERTZ = [697, 770, 852, 941, 1209, 1336, 1477, 1633]
cdef int[16] CODES = [1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15]  # row * 4 + column
cdef int[16] KEYS  # the way back
# how far the phase turns from one block to the next, and the cosine of how far it may be off
cdef float[8] TURN_COS
cdef float[8] TURN_SIN
cdef float[8] TURN_OFF
cdef int16_t[8000] LOW  # a second of 1 Hz at the level of the rows, and of the columns
cdef int16_t[8000] HIGH

cdef float LEVEL_MIN = 7e7  # power of one tone in a block: -42 dBm0
cdef float ROW_MAX = 12.6  # the row over the column: 11 dB; Q.24 names up to 10 dB
cdef float COLUMN_MAX = 6.3  # the column over the row: 8 dB
cdef float NEIGHBOUR = 4.0  # 6 dB above the others of its group, where the other tone leaks to
cdef float ENERGY_MIN = 0.75 * DTMF_BLOCK / 2
cdef float COVERED_MIN = 2.4
cdef float ABSENT_MAX = 1.5
cdef double OFF_MAX = 0.022


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
        TURN_OFF[k] = <float> cos(turn * OFF_MAX)
    for n in range(RATE):
        # ETSI ES 201 235-2: the upper tone 2 dB above the lower one; here -8 and -10 dBm0
        LOW[n] = <int16_t> rint(7050 * sin(2 * PI * n / RATE))
        HIGH[n] = <int16_t> rint(8875 * sin(2 * PI * n / RATE))
    for n in range(16):
        KEYS[CODES[n]] = n


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


cdef int judge(const Dtmf *d, const float *power) noexcept nogil:
    """The key in a block, as row * 4 + column; -1 when there is none."""
    cdef int row = strongest(power), column = strongest(power + 4)
    cdef float low = power[row], high = power[4 + column]
    # the mean is no part of it: cheap converters add one
    cdef float energy = <float> (d.energy - d.total * d.total // DTMF_BLOCK)
    if low < LEVEL_MIN or high < LEVEL_MIN or low > high * ROW_MAX or high > low * COLUMN_MAX:
        return -1
    if low + high < ENERGY_MIN * energy:
        return -1
    if not alone(power, row) or not alone(power + 4, column):
        return -1
    return row * 4 + column


cdef int in_tune(const Dtmf *d, int tone, const float *power) noexcept nogil:
    """Whether the phase advanced from the block before as the frequency asks."""
    cdef const float *now = &d.sums[0]
    cdef const float *then = &d.before[0]
    # the angle between the two blocks, turned back by what it should be
    cdef float re = now[tone] * then[tone] + now[8 + tone] * then[8 + tone]
    cdef float im = now[tone] * then[8 + tone] - now[8 + tone] * then[tone]
    # the sums are conjugates of a transform: a tone turns them by minus its phase
    cdef float off = re * TURN_COS[tone] + im * TURN_SIN[tone]
    return off >= TURN_OFF[tone] * sqrtf(power[tone] * d.power_before[tone])


cdef inline float part(float power, float whole) noexcept nogil:
    """How much of a block a tone fills, by its power there and in a block it fills."""
    return 1 if power >= whole else sqrtf(power / whole)


cdef inline float part_of(
    const float *power, int row, int column, const float *level
) noexcept nogil:
    return min(part(power[row], level[0]), part(power[column], level[1]))


cdef void tell(Dtmf *d) noexcept nogil:
    d.down = d.candidate
    d.candidate = -1
    d.absent = 0
    if d.digits < DTMF_OUT_MAX:
        d.digit[d.digits].code = <uint8_t> CODES[d.down]
        d.digit[d.digits].position = d.began
        d.digits += 1


cdef void follow(Dtmf *d, int hit, const float *power) noexcept nogil:
    """A key is down: is it still?"""
    cdef int row = d.down // 4, column = 4 + d.down % 4
    if hit == d.down:
        d.absent = 0
        d.level[0] = power[row]
        d.level[1] = power[column]
        return
    d.absent += 1 - part_of(power, row, column, d.level) if hit < 0 else 1
    if d.absent >= ABSENT_MAX:
        d.down = -1


cdef void gather(Dtmf *d, int hit, const float *power) noexcept nogil:
    """Add what a block says for a key that was not told yet."""
    cdef int row, column
    cdef float ahead
    if hit < 0:
        if d.candidate >= 0:  # its end lies in this block
            d.covered += part_of(power, d.candidate // 4, 4 + d.candidate % 4, d.level)
            if d.hits >= 2 and d.covered >= COVERED_MIN:
                tell(d)
            d.candidate = -1
        return
    row = hit // 4
    column = 4 + hit % 4
    d.level[0] = power[row]
    d.level[1] = power[column]
    if hit != d.candidate:
        ahead = part_of(d.power_before, row, column, d.level)
        d.candidate = hit
        d.hits = 0
        d.covered = ahead
        d.began = d.heard - DTMF_BLOCK - <int64_t> (ahead * DTMF_BLOCK)
    d.hits += 1
    d.covered += 1
    if d.hits >= 2 and d.covered >= COVERED_MIN:
        tell(d)


cdef void block_end(Dtmf *d) noexcept nogil:
    cdef float power[DTMF_TONES]
    cdef int k, hit
    for k in range(DTMF_TONES):
        power[k] = d.sums[k] * d.sums[k] + d.sums[8 + k] * d.sums[8 + k]
    hit = judge(d, power)
    if hit >= 0 and hit == d.hit_before:
        if not in_tune(d, hit // 4, power) or not in_tune(d, 4 + hit % 4, power):
            if hit == d.candidate:
                d.candidate = -1
            hit = -1
    if d.down >= 0:
        follow(d, hit, power)
    if d.down < 0 or hit != d.down:
        gather(d, hit, power)
    d.hit_before = hit
    for k in range(DTMF_TONES):
        d.power_before[k] = power[k]
        d.before[k] = d.sums[k]
        d.before[8 + k] = d.sums[8 + k]
    block_start(d)


cdef inline void block_start(Dtmf *d) noexcept nogil:
    memset(&d.sums[0], 0, sizeof(d.sums))
    d.count = 0
    d.energy = d.total = 0


cdef void dtmf_hear(Dtmf *d, const int16_t *samples, int count) noexcept nogil:
    """Hear samples that follow on those before."""
    cdef int room, i
    cdef int64_t energy, total
    while count > 0:
        room = min(count, DTMF_BLOCK - d.count)
        tone_sum(&d.sums[0], d.count, samples, room)
        energy = total = 0
        for i in range(room):
            energy += <int> samples[i] * samples[i]
            total += samples[i]
        d.energy += energy
        d.total += total
        d.count += room
        d.heard += room
        samples += room
        count -= room
        if d.count == DTMF_BLOCK:
            block_end(d)


cdef void dtmf_gap(Dtmf *d, int64_t count) noexcept nogil:
    """Samples that did not arrive. After a short gap a key goes on as if nothing were missing."""
    d.heard += count
    block_start(d)
    d.hit_before = -1
    if count > DTMF_GAP_MAX:
        memset(&d.power_before[0], 0, sizeof(d.power_before))
        d.candidate = d.down = -1


cdef void dtmf_tone(int code, int64_t position, int16_t *samples, int count) noexcept nogil:
    """The tone of a key from its sample `position` on. All frequencies are whole hertz: a table of
    one second holds every sample exactly."""
    cdef int row = HERTZ[KEYS[code & 15] // 4], column = HERTZ[4 + KEYS[code & 15] % 4], i
    cdef int64_t low = position * row % RATE, high = position * column % RATE
    for i in range(count):
        samples[i] = <int16_t> (LOW[low] + HIGH[high])
        low += row
        high += column
        if low >= RATE:
            low -= RATE
        if high >= RATE:
            high -= RATE


cdef class DtmfDetector:
    """One side of a call."""

    def __cinit__(self):
        dtmf_init(&self.state)

    def hear(self, const int16_t[::1] samples):
        cdef Py_ssize_t at = 0, size
        cdef int i
        heard = []
        while at < samples.shape[0]:
            size = min(160, samples.shape[0] - at)
            dtmf_hear(&self.state, &samples[at], <int> size)
            at += size
            for i in range(self.state.digits):
                heard.append((DIGITS[self.state.digit[i].code], self.state.digit[i].position))
            self.state.digits = 0
        return heard

    def gap(self, int64_t samples):
        if samples < 0:
            raise ValueError(f"a gap of {samples} samples")
        dtmf_gap(&self.state, samples)


def tone(str digit, int samples, int64_t position=0):
    cdef int16_t[::1] view
    code = DIGITS.find(digit.upper()) if len(digit) == 1 else -1
    if code < 0:
        raise ValueError(f"not a digit (0-9 * # A-D): {digit!r}")
    if not 0 <= samples <= 1 << 20 or not 0 <= position < 1 << 40:
        raise ValueError(f"{samples} samples from {position} on")
    out = bytearray(2 * samples)
    if samples:
        view = memoryview(out).cast("h")
        dtmf_tone(code, position, &view[0], samples)
    return bytes(out)
