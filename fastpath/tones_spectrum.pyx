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
    static float dl_window[2][DL_LARGEST];
    static float dl_turn[2 * DL_LARGEST]; /* cosine, sine of -2 pi i / DL_LARGEST, in pairs */

    /* Stockham's transform of n complex numbers, real and imaginary parts apart: what a stage reads
       and writes lies in rows, so that the compiler can take several at once. */
    static void dl_transform(float *re, float *im, float *re2, float *im2, int n) {
        int rows = n / 2, width = 1, i, j;
        while (rows >= 1) {
            for (j = 0; j < rows; j++) {
                int at = j * (DL_LARGEST / (2 * rows));
                float c = dl_turn[2 * at], s = dl_turn[2 * at + 1];
                const float *ar = re + j * width, *ai = im + j * width;
                const float *br = ar + rows * width, *bi = ai + rows * width;
                float *xr = re2 + 2 * j * width, *xi = im2 + 2 * j * width;
                float *yr = xr + width, *yi = xi + width;
                for (i = 0; i < width; i++) {
                    float dr = ar[i] - br[i], di = ai[i] - bi[i];
                    xr[i] = ar[i] + br[i];
                    xi[i] = ai[i] + bi[i];
                    yr[i] = dr * c - di * s;
                    yi[i] = dr * s + di * c;
                }
            }
            { float *t = re; re = re2; re2 = t; t = im; im = im2; im2 = t; }
            rows /= 2;
            width *= 2;
        }
    }

    /* Powers of bins 0 to size / 2 - 1 of real samples without their mean. */
    static void dl_powers(const int16_t *x, int size, float *power) {
        float a[DL_LARGEST / 2], b[DL_LARGEST / 2], c[DL_LARGEST / 2], d[DL_LARGEST / 2];
        const float *window = dl_window[size != DL_LARGEST];
        float *re, *im, mean;
        int32_t sum = 0;
        int half = size / 2, i, stages = 0, step = DL_LARGEST / size;
        memset(a, 0, sizeof a); /* gcc does not see that they are filled */
        memset(b, 0, sizeof b);
        for (i = 0; i < size; i++)
            sum += x[i];
        mean = (float) sum / (float) size;
        for (i = 0; i < half; i++) {
            a[i] = ((float) x[2 * i] - mean) * window[2 * i];
            b[i] = ((float) x[2 * i + 1] - mean) * window[2 * i + 1];
        }
        dl_transform(a, b, c, d, half);
        for (i = half; i > 1; i /= 2)
            stages++;
        re = stages & 1 ? c : a;
        im = stages & 1 ? d : b;
        power[0] = (re[0] + im[0]) * (re[0] + im[0]);
        for (i = 1; i < half; i++) {
            /* even and odd samples apart again */
            float er = 0.5f * (re[i] + re[half - i]), ei = 0.5f * (im[i] - im[half - i]);
            float or = 0.5f * (im[i] + im[half - i]), oi = 0.5f * (re[half - i] - re[i]);
            float wr = dl_turn[2 * i * step], wi = dl_turn[2 * i * step + 1];
            float xr = er + or * wr - oi * wi, xi = ei + or * wi + oi * wr;
            power[i] = xr * xr + xi * xi;
        }
    }
    """
    float dl_window[2][1024]
    float dl_turn[2048]
    void powers "dl_powers"(const int16_t *x, int size, float *power) noexcept nogil

PeaksHeard = namedtuple("PeaksHeard", "hertz share pure")

cdef enum:
    HERTZ_MIN = 60  # hum and what moves a converter's zero are no part of it
    SPECTRUM_BINS = 512
    LOBE = 2  # bins on either side that one tone fills
    LOBE_SHORT = 4  # where those of a pair run together
cdef float WEAKER = 0.05  # a tone so far under the strongest is none: 13 dB
cdef double PI = 3.14159265358979323846


cdef void fill_tables() noexcept:
    cdef int i
    for i in range(SPECTRUM_MAX):
        dl_window[0][i] = <float> (0.5 - 0.5 * cos(2 * PI * i / SPECTRUM_MAX))
        dl_turn[2 * i] = <float> cos(2 * PI * i / SPECTRUM_MAX)
        dl_turn[2 * i + 1] = <float> -sin(2 * PI * i / SPECTRUM_MAX)
    for i in range(SPECTRUM_SHORT):
        dl_window[1][i] = <float> (0.5 - 0.5 * cos(2 * PI * i / SPECTRUM_SHORT))


fill_tables()


cdef int strongest(const float *power, const uint8_t *taken, int first, int last) noexcept nogil:
    """The strongest local maximum that is not taken; 0 when there is none."""
    cdef int best = 0, i
    for i in range(first, last):
        if taken[i] or (best and power[i] <= power[best]):
            continue
        if power[i] > power[i - 1] and power[i] >= power[i + 1]:
            best = i
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
    cdef int half = size // 2, first = HERTZ_MIN * size // 8000, at, i
    cdef int lobe = LOBE if size == SPECTRUM_MAX else LOBE_SHORT
    cdef float whole = 0, top = 0, own
    memset(found, 0, sizeof(Peaks))
    memset(&taken[0], 0, sizeof(taken))
    found.fine = size == SPECTRUM_MAX
    powers(samples, size, &power[0])
    for i in range(first, half):
        whole += power[i]
    while found.count < PEAKS_MAX:
        at = strongest(&power[0], &taken[0], first, half - 1)
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
