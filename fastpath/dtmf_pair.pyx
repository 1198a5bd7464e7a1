# cython: auto_pickle=False, autotestdict=False
"""Two tones in two blocks, by least squares at the frequencies they have.

A key's frequencies may be 1.5 % off, and noise 10 dB below it: what its nominal frequencies
explain of a block is then as little as of a vowel. So the frequencies are measured first, by what
the phases turn from one block to the next, in two rounds: what one tone leaks to the other's
frequency turns its phase too. A tone that is off by a whole turn in a block looks in tune by its
phases alone, and explains nothing.
"""

from libc.math cimport atan2f, cosf, sinf, sqrtf
from libc.stdint cimport int64_t

cdef extern from *:
    """
    typedef float dl_four __attribute__((vector_size(16)));

    /* What a block holds of two tones, by least squares: their cosines and sines, of a and of b,
       which have as many samples, and the sums of products of the waves. `step` is the cosine and
       sine of what each turns from one sample to the next. */
    static inline void dl_dtmf_two(
        const int16_t *a, const int16_t *b, const float *step, float *of_a, float *of_b,
        float *products
    ) {
        const dl_four stay = {step[0], step[0], step[2], step[2]};
        const dl_four turn = {-step[1], step[1], -step[3], step[3]};
        dl_four wave = {1, 0, 1, 0}, sum_a = {0, 0, 0, 0}, sum_b = sum_a, all[4];
        float mean_a = 0, mean_b = 0;
        int i, k;
        for (k = 0; k < 4; k++)
            all[k] = sum_a;
        for (i = 0; i < 102; i++) {
            mean_a += a[i];
            mean_b += b[i];
        }
        mean_a /= 102;
        mean_b /= 102;
        for (i = 0; i < 102; i++) {
            dl_four other = {wave[1], wave[0], wave[3], wave[2]};
            sum_a += wave * ((float) a[i] - mean_a);
            sum_b += wave * ((float) b[i] - mean_b);
            for (k = 0; k < 4; k++)
                all[k] += wave * wave[k];
            wave = wave * stay + other * turn;
        }
        memcpy(of_a, &sum_a, sizeof sum_a);
        memcpy(of_b, &sum_b, sizeof sum_b);
        memcpy(products, all, sizeof all);
    }
    """
    void two_sum "dl_dtmf_two"(
        const int16_t *a, const int16_t *b, const float *step, float *of_a, float *of_b,
        float *products
    ) noexcept nogil

from collections import namedtuple

PairHeard = namedtuple("PairHeard", "off power pure")

cdef enum:
    BLOCK = 102
    ROUNDS = 2
cdef float STEP = 2 * 3.14159265358979323846 / 8000


cdef float energy_of(const int16_t *samples) noexcept nogil:
    """Without the mean, which is no part of it: cheap converters add one."""
    cdef int64_t total = 0, energy = 0
    cdef int i
    for i in range(BLOCK):
        energy += <int> samples[i] * samples[i]
        total += samples[i]
    return <float> (energy - total * total // BLOCK)


cdef void solve(float *products, const float *right, float *out) noexcept nogil:
    """Four equations by Cholesky's factors; `products` is symmetric, and positive definite."""
    cdef float[4][4] low
    cdef float[4] half
    cdef float one
    cdef int i, j, k
    for i in range(4):
        for j in range(i + 1):
            one = products[4 * i + j]
            for k in range(j):
                one -= low[i][k] * low[j][k]
            low[i][j] = sqrtf(max(one, <float> 1e-6)) if i == j else one / low[j][j]
    for i in range(4):
        half[i] = right[i]
        for k in range(i):
            half[i] -= low[i][k] * half[k]
        half[i] /= low[i][i]
    for i in range(3, -1, -1):
        out[i] = half[i]
        for k in range(i + 1, 4):
            out[i] -= low[k][i] * out[k]
        out[i] /= low[i][i]


cdef float turned(const float *now, const float *before, float turn) noexcept nogil:
    """What a phase, given as cosine and sine, turned between the blocks beyond `turn`."""
    cdef float re = now[0] * before[0] + now[1] * before[1]
    cdef float im = now[0] * before[1] - now[1] * before[0]
    cdef float c = cosf(turn), s = sinf(turn)
    return atan2f(im * c - re * s, re * c + im * s)


cdef inline float explained(const float *sums, const float *tones) noexcept nogil:
    return sums[0] * tones[0] + sums[1] * tones[1] + sums[2] * tones[2] + sums[3] * tones[3]


cdef void pair_fit(
    const int16_t *now, const int16_t *before, int row, int column, float row_off,
    float column_off, DtmfPair *p,
) noexcept nogil:
    """Measure the tones near `row` and `column` (hertz), which are off by about so much."""
    cdef float[4] step, of_now, of_before, tones_now, tones_before
    cdef float[16] products
    cdef float[2] angle
    cdef float energy
    cdef int k, _round
    angle[0] = STEP * row * (1 + row_off)
    angle[1] = STEP * column * (1 + column_off)
    for _round in range(ROUNDS):
        for k in range(2):
            step[2 * k] = cosf(angle[k])
            step[2 * k + 1] = sinf(angle[k])
        two_sum(now, before, &step[0], &of_now[0], &of_before[0], &products[0])
        solve(&products[0], &of_now[0], &tones_now[0])
        solve(&products[0], &of_before[0], &tones_before[0])
        for k in range(2):
            angle[k] += turned(&tones_now[2 * k], &tones_before[2 * k], BLOCK * angle[k]) / BLOCK
    p.off[0] = angle[0] / (STEP * row) - 1
    p.off[1] = angle[1] / (STEP * column) - 1
    for k in range(2):
        p.power[k][0] = tones_now[2 * k] * tones_now[2 * k] + tones_now[2 * k + 1] ** 2
        p.power[k][1] = tones_before[2 * k] * tones_before[2 * k] + tones_before[2 * k + 1] ** 2
    energy = energy_of(now) + energy_of(before)
    p.pure = (
        explained(&of_now[0], &tones_now[0]) + explained(&of_before[0], &tones_before[0])
    ) / energy if energy > 0 else 0


def pair(
    const int16_t[::1] now, const int16_t[::1] before, int row, int column, float row_off=0.0,
    float column_off=0.0,
):
    cdef DtmfPair p
    if now.shape[0] != BLOCK or before.shape[0] != BLOCK:
        raise ValueError(f"{now.shape[0]} and {before.shape[0]} samples, not {BLOCK} each")
    pair_fit(&now[0], &before[0], row, column, row_off, column_off, &p)
    return PairHeard(
        (p.off[0], p.off[1]), ((p.power[0][0], p.power[0][1]), (p.power[1][0], p.power[1][1])),
        p.pure,
    )
