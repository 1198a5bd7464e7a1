# cython: auto_pickle=False, autotestdict=False
"""The strongest pure tones of a stretch of audio.

1. The power spectrum under a Hann window, by a transform of half the length.
2. The strongest line, its neighbours as far as the window smears it, then the next that stands out
   as a local maximum, and a third.
3. A line's frequency between two bins follows from the two larger of its neighbours: for one tone
   under this window |X[k+1]| / |X[k]| = (1 + d) / (2 - d), d being how far it is past k.
"""

from libc.math cimport cos, fabsf, sin, sqrtf
from libc.string cimport memset

from collections import namedtuple

cdef extern from *:
    """
    #define DL_LARGEST 1024
    typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
    #define at_four(p) (*(four *) (p))
    static float dl_window[2][DL_LARGEST];
    static float dl_turn[2][DL_LARGEST]; /* of -2 pi i / DL_LARGEST: cosines, sines */
    /* of the first stage: those once, twice and three times as far, for both lengths */
    static float dl_first[2][6][DL_LARGEST / 8];

    /* The first stage of Stockham's transform by fours: its inner loop is over the turns. */
    static void dl_stage_first(const float *restrict re, const float *restrict im,
                               float *restrict yr, float *restrict yi, int n) {
        const float (*t)[DL_LARGEST / 8] = dl_first[n != DL_LARGEST / 2];
        int l = n / 4, j;
        for (j = 0; j < l; j++) {
            float ar = re[j] + re[j + 2 * l], ai = im[j] + im[j + 2 * l];
            float br = re[j] - re[j + 2 * l], bi = im[j] - im[j + 2 * l];
            float cr = re[j + l] + re[j + 3 * l], ci = im[j + l] + im[j + 3 * l];
            float dr = im[j + l] - im[j + 3 * l], di = re[j + 3 * l] - re[j + l];
            float pr = br + dr, pi = bi + di, qr = ar - cr, qi = ai - ci;
            float sr = br - dr, si = bi - di;
            yr[4 * j] = ar + cr;
            yr[4 * j + 1] = pr * t[0][j] - pi * t[1][j];
            yr[4 * j + 2] = qr * t[2][j] - qi * t[3][j];
            yr[4 * j + 3] = sr * t[4][j] - si * t[5][j];
            yi[4 * j] = ai + ci;
            yi[4 * j + 1] = pr * t[1][j] + pi * t[0][j];
            yi[4 * j + 2] = qr * t[3][j] + qi * t[2][j];
            yi[4 * j + 3] = sr * t[5][j] + si * t[4][j];
        }
    }

    /* A later one: its inner loop is over rows of `m` numbers, a multiple of four. */
    static void dl_stage(float *re, float *im, float *yr, float *yi, int n, int m) {
        int l = n / (4 * m), s = l * m, j, i;
        for (j = 0; j < l; j++) {
            int at = j * (DL_LARGEST / (4 * l));
            float c1 = dl_turn[0][at], s1 = dl_turn[1][at];
            float c2 = dl_turn[0][2 * at], s2 = dl_turn[1][2 * at];
            float c3 = dl_turn[0][3 * at], s3 = dl_turn[1][3 * at];
            for (i = j * m; i < j * m + m; i += 4) {
                four r0 = at_four(re + i), r1 = at_four(re + i + s), r2 = at_four(re + i + 2 * s),
                     r3 = at_four(re + i + 3 * s), i0 = at_four(im + i), i1 = at_four(im + i + s),
                     i2 = at_four(im + i + 2 * s), i3 = at_four(im + i + 3 * s);
                four pr = r0 - r2 + i1 - i3, pi = i0 - i2 + r3 - r1, qr = r0 + r2 - (r1 + r3);
                four sr = r0 - r2 - (i1 - i3), si = i0 - i2 - (r3 - r1), qi = i0 + i2 - (i1 + i3);
                float *x = yr + 3 * j * m + i, *z = yi + 3 * j * m + i;
                at_four(x) = r0 + r2 + (r1 + r3);
                at_four(x + m) = pr * c1 - pi * s1;
                at_four(x + 2 * m) = qr * c2 - qi * s2;
                at_four(x + 3 * m) = sr * c3 - si * s3;
                at_four(z) = i0 + i2 + (i1 + i3);
                at_four(z + m) = pr * s1 + pi * c1;
                at_four(z + 2 * m) = qr * s2 + qi * c2;
                at_four(z + 3 * m) = sr * s3 + si * c3;
            }
        }
    }

    /* Powers of bins 0 to size / 2 - 1 of real samples without their mean. */
    static void dl_powers(const int16_t *x, int size, float *power) {
        float a[DL_LARGEST / 2], b[DL_LARGEST / 2], c[DL_LARGEST / 2], d[DL_LARGEST / 2];
        const float *window = dl_window[size != DL_LARGEST];
        float mean;
        int32_t sum = 0;
        int half = size / 2, i, step = DL_LARGEST / size;
        for (i = 0; i < size; i++)
            sum += x[i];
        mean = (float) sum / (float) size;
        for (i = 0; i < half; i++) {
            a[i] = ((float) x[2 * i] - mean) * window[2 * i];
            b[i] = ((float) x[2 * i + 1] - mean) * window[2 * i + 1];
        }
        dl_stage_first(a, b, c, d, half);
        dl_stage(c, d, a, b, half, 4);
        dl_stage(a, b, c, d, half, 16);
        dl_stage(c, d, a, b, half, 64);
        if (half == 512) /* a stage by twos is left */
            for (i = 0; i < 256; i++) {
                float r = a[i], q = b[i];
                a[i] = r + a[i + 256];
                b[i] = q + b[i + 256];
                a[i + 256] = r - a[i + 256];
                b[i + 256] = q - b[i + 256];
            }
        power[0] = (a[0] + b[0]) * (a[0] + b[0]);
        for (i = 1; i <= half / 2; i++) {
            /* even and odd samples apart again, for this bin and for its mirror */
            float er = 0.5f * (a[i] + a[half - i]), ei = 0.5f * (b[i] - b[half - i]);
            float or = 0.5f * (b[i] + b[half - i]), oi = 0.5f * (a[half - i] - a[i]);
            float wr = dl_turn[0][i * step], wi = dl_turn[1][i * step];
            float tr = or * wr - oi * wi, ti = or * wi + oi * wr;
            power[i] = (er + tr) * (er + tr) + (ei + ti) * (ei + ti);
            power[half - i] = (er - tr) * (er - tr) + (ei - ti) * (ei - ti);
        }
    }
    """
    float dl_window[2][1024]
    float dl_turn[2][1024]
    float dl_first[2][6][128]
    void powers "dl_powers"(const int16_t *x, int size, float *power) noexcept nogil

PeaksHeard = namedtuple("PeaksHeard", "hertz share pure")

cdef enum:
    HERTZ_MIN = 60  # hum and what moves a converter's zero are no part of it
    SPECTRUM_BINS = 512
    FIRST_TURNS = 128
    LOBE = 2  # bins on either side that one tone fills
    LOBE_SHORT = 4  # where those of a pair run together
cdef float WEAKER = 0.05  # a tone so far under the strongest is none: 13 dB
cdef double PI = 3.14159265358979323846


cdef void fill_tables() noexcept:
    cdef int i, k, short
    cdef double turn
    for i in range(SPECTRUM_MAX):
        turn = 2 * PI * i / SPECTRUM_MAX
        dl_window[0][i] = <float> (0.5 - 0.5 * cos(turn))
        dl_turn[0][i] = <float> cos(turn)
        dl_turn[1][i] = <float> -sin(turn)
    for i in range(SPECTRUM_SHORT):
        dl_window[1][i] = <float> (0.5 - 0.5 * cos(2 * PI * i / SPECTRUM_SHORT))
    for short in range(2):
        for k in range(3):
            for i in range(FIRST_TURNS):
                turn = 2 * PI * i * (k + 1) / (SPECTRUM_SHORT // (1 + short))
                dl_first[short][2 * k][i] = <float> cos(turn)
                dl_first[short][2 * k + 1][i] = <float> -sin(turn)


fill_tables()


cdef int tops(const float *power, int first, int last, int16_t *at, float *whole) noexcept nogil:
    """All local maxima from `first` on before `last`, and the sum of the powers there. Without a
    branch on what is heard: it could not be foretold."""
    cdef int i, count = 0
    cdef float a = 0, b = 0
    for i in range(first, last):
        at[count] = <int16_t> i
        count += (power[i] > power[i - 1]) & (power[i] >= power[i + 1])
    for i in range(first, last - 1, 2):  # two sums: each would wait for itself
        a += power[i]
        b += power[i + 1]
    if (last - first) & 1:
        a += power[last - 1]
    whole[0] = a + b
    return count


cdef int strongest(
    const float *power, const uint8_t *taken, const int16_t *top, int count
) noexcept nogil:
    """The strongest local maximum that is not taken; 0 when there is none."""
    cdef int best = 0, i
    cdef float most = 0
    for i in range(count):
        if power[top[i]] > most and not taken[top[i]]:
            best = top[i]
            most = power[best]
    return best


cdef float line(const float *power, int at) noexcept nogil:
    """The bin, with its fraction, of the tone around bin `at`."""
    cdef int side = 1 if power[at + 1] > power[at - 1] else -1
    cdef float ratio = sqrtf(power[at + side] / power[at]) if power[at] > 0 else 0
    cdef float past = (2 * ratio - 1) / (1 + ratio)
    return at + side * max(past, 0)


cdef void spectrum_peaks(const int16_t *samples, int size, Peaks *found) noexcept nogil:
    cdef float power[SPECTRUM_BINS]
    cdef uint8_t taken[SPECTRUM_BINS]
    cdef int16_t top_at[SPECTRUM_BINS]
    cdef int half = size // 2, count, first = HERTZ_MIN * size // 8000, at, i
    cdef int lobe = LOBE if size == SPECTRUM_MAX else LOBE_SHORT
    cdef float whole = 0, top = 0, own
    memset(found, 0, sizeof(Peaks))
    memset(&taken[0], 0, sizeof(taken))
    found.fine = size == SPECTRUM_MAX
    powers(samples, size, &power[0])
    count = tops(&power[0], first, half - 1, &top_at[0], &whole)
    whole += power[half - 1]
    while found.count < PEAKS_MAX:
        at = strongest(&power[0], &taken[0], &top_at[0], count)
        if not at or power[at] < WEAKER * top:
            return
        own = 0
        for i in range(max(at - lobe, first), min(at + lobe + 1, half)):
            if not taken[i]:
                own += power[i]
        found.hertz[found.count] = line(&power[0], at) * 8000 / size
        found.share[found.count] = own / whole
        found.pure += own / whole
        top = max(top, power[at])
        found.count += 1
        for i in range(max(at - lobe, first), min(at + lobe + 1, half)):
            taken[i] = 1


cdef void peaks_join(Peaks *found) noexcept nogil:
    """Lines that GSM full rate makes of one tone above 1,900 Hz are that tone: their mean."""
    cdef float whole = found.share[0], sum = found.share[0] * found.hertz[0]
    cdef int i, kept = 1
    if found.count < 2 or found.hertz[0] < TORN_HERTZ:
        return
    for i in range(1, found.count):
        if fabsf(found.hertz[i] - found.hertz[0]) < TORN_APART:
            whole += found.share[i]
            sum += found.share[i] * found.hertz[i]
        else:
            found.hertz[kept] = found.hertz[i]
            found.share[kept] = found.share[i]
            kept += 1
    found.hertz[0] = sum / whole
    found.share[0] = whole
    found.count = <uint8_t> kept


def peaks(const int16_t[::1] samples):
    cdef Peaks found
    cdef int i
    if samples.shape[0] not in (SPECTRUM_SHORT, SPECTRUM_MAX):
        raise ValueError(f"{samples.shape[0]} samples, not 512 or 1024")
    spectrum_peaks(&samples[0], <int> samples.shape[0], &found)
    hertz, share = [found.hertz[0]], [found.share[0]]
    for i in range(1, found.count):
        hertz.append(found.hertz[i])
        share.append(found.share[i])
    return PeaksHeard(tuple(hertz[:found.count]), tuple(share[:found.count]), found.pure)
