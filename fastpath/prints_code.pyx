# cython: auto_pickle=False, autotestdict=False
"""Fingerprints. What becomes of every window of 1024 samples, 256 after the one before:

1. Its spectrum: a real transform of 1024 as a complex one of 512, four passes of radix 4 and one of
   radix 2, each from one array into the other (Stockham), so that nothing is put in order behind.
2. The amplitudes of 17 bands, 250 to 3300 Hz: what every codec of a telephone line passes.
3. For each two neighbouring bands: did their difference grow since the window before? That bit does
   not know the level, nor what a line does to the spectrum as a whole.
4. The ten largest changes are kept: noise turns small ones over. Amplitudes rather than logarithms:
   bands that hold nothing but noise change little then.
5. A window far below the loudest, or below what a silent line has, says nothing.
"""

from libc.math cimport cos, pow, rint, sin
from libc.string cimport memcpy, memmove, memset

HOP = PRINT_HOP // 2
WINDOW = PRINT_WINDOW
BITS = PRINT_BITS
KEPT = PRINT_KEPT

cdef extern from *:
    """
    #include <math.h>
    #include <string.h>

    #define DL_HALF 512
    static float dl_hann[1024];
    /* cos and -sin of 2 pi k / 512, and of 2 pi k / 1024 */
    static float dl_turn_re[512], dl_turn_im[512], dl_half_re[512], dl_half_im[512];

    /* One pass: n points that are s apart, x to y. */
    static inline void dl_radix4(int n, int s, const float *restrict xr, const float *restrict xi,
                                 float *restrict yr, float *restrict yi) {
        int m = n / 4, p, q;
        for (p = 0; p < m; p++) {
            float ur = dl_turn_re[p * s], ui = dl_turn_im[p * s];
            float vr = dl_turn_re[2 * p * s], vi = dl_turn_im[2 * p * s];
            float wr = dl_turn_re[3 * p * s], wi = dl_turn_im[3 * p * s];
            const float *ar = xr + s * p, *ai = xi + s * p;
            float *br = yr + 4 * s * p, *bi = yi + 4 * s * p;
            for (q = 0; q < s; q++) {
                float er = ar[q] + ar[q + 2 * s * m], ei = ai[q] + ai[q + 2 * s * m];
                float fr = ar[q] - ar[q + 2 * s * m], fi = ai[q] - ai[q + 2 * s * m];
                float gr = ar[q + s * m] + ar[q + 3 * s * m];
                float gi = ai[q + s * m] + ai[q + 3 * s * m];
                float hr = ar[q + s * m] - ar[q + 3 * s * m];
                float hi = ai[q + s * m] - ai[q + 3 * s * m];
                float cr = fr + hi, ci = fi - hr;  /* minus i times h */
                float dr = er - gr, di = ei - gi;
                float kr = fr - hi, ki = fi + hr;
                br[q] = er + gr;
                bi[q] = ei + gi;
                br[q + s] = cr * ur - ci * ui;
                bi[q + s] = cr * ui + ci * ur;
                br[q + 2 * s] = dr * vr - di * vi;
                bi[q + 2 * s] = dr * vi + di * vr;
                br[q + 3 * s] = kr * wr - ki * wi;
                bi[q + 3 * s] = kr * wi + ki * wr;
            }
        }
    }

    /* The power of the bins from `low` to before `high` of 1024 samples under the window. */
    static void dl_spectrum(const float *samples, int low, int high, float *power) {
        float ar[DL_HALF], ai[DL_HALF], br[DL_HALF], bi[DL_HALF];
        int k;
        for (k = 0; k < DL_HALF; k++) {
            ar[k] = samples[2 * k] * dl_hann[2 * k];
            ai[k] = samples[2 * k + 1] * dl_hann[2 * k + 1];
        }
        dl_radix4(512, 1, ar, ai, br, bi);
        dl_radix4(128, 4, br, bi, ar, ai);
        dl_radix4(32, 16, ar, ai, br, bi);
        dl_radix4(8, 64, br, bi, ar, ai);
        for (k = 0; k < 256; k++) {
            br[k] = ar[k] + ar[k + 256];
            bi[k] = ai[k] + ai[k + 256];
            br[k + 256] = ar[k] - ar[k + 256];
            bi[k + 256] = ai[k] - ai[k + 256];
        }
        for (k = low; k < high; k++) {
            /* even samples and odd ones apart, then together */
            float er = 0.5f * (br[k] + br[512 - k]), ei = 0.5f * (bi[k] - bi[512 - k]);
            float or = 0.5f * (bi[k] + bi[512 - k]), oi = 0.5f * (br[512 - k] - br[k]);
            float re = er + or * dl_half_re[k] - oi * dl_half_im[k];
            float im = ei + or * dl_half_im[k] + oi * dl_half_re[k];
            power[k - low] = re * re + im * im;
        }
    }
    """
    float dl_hann[1024]
    float dl_turn_re[512]
    float dl_turn_im[512]
    float dl_half_re[512]
    float dl_half_im[512]
    void spectrum "dl_spectrum"(
        const float *samples, int low, int high, float *power
    ) noexcept nogil
    float sqrtf(float x) noexcept nogil
    float fabsf(float x) noexcept nogil

cdef enum:
    BIN_MIN = 32  # 250 Hz
    BIN_MAX = 422  # 3300 Hz
    BINS = 390

cdef double PI = 3.14159265358979323846
cdef int[18] EDGE  # the first bin of each band, and the one behind the last
# sum of a Hann window's squares times the transform's length: power becomes a mean square
cdef float SCALE = <float> (2.0 / (1024.0 * 384.0))
cdef float QUIET = <float> 1e-6  # -60 dB of full scale
cdef float BELOW_PEAK = <float> 1e-3  # 30 dB
cdef float PEAK_SINK = <float> 0.978  # a print: 3 dB a second


cdef void fill_tables() noexcept:
    cdef int k
    for k in range(PRINT_WINDOW):
        dl_hann[k] = <float> (0.5 - 0.5 * cos(2 * PI * k / PRINT_WINDOW))
    for k in range(512):
        dl_turn_re[k] = <float> cos(2 * PI * k / 512)
        dl_turn_im[k] = <float> -sin(2 * PI * k / 512)
        dl_half_re[k] = <float> cos(2 * PI * k / 1024)
        dl_half_im[k] = <float> -sin(2 * PI * k / 1024)
    for k in range(PRINT_BANDS + 1):
        EDGE[k] = <int> rint(250.0 * pow(3300.0 / 250.0, <double> k / PRINT_BANDS) * 1024 / 8000)


fill_tables()


cdef void coder_init(Coder *c) noexcept nogil:
    memset(c, 0, sizeof(Coder))


cdef float measure(const float *sample, float *amplitude) noexcept nogil:
    """The amplitudes of a window's bands; returns their mean square."""
    cdef float power[BINS]
    cdef float band, total = 0
    cdef int b, k
    spectrum(sample, BIN_MIN, BIN_MAX, &power[0])
    for b in range(PRINT_BANDS):
        band = 0
        for k in range(EDGE[b] - BIN_MIN, EDGE[b + 1] - BIN_MIN):
            band += power[k]
        total += band
        amplitude[b] = sqrtf(band)
    return total * SCALE


cdef void compare(const float *before, const float *now, Print *found) noexcept nogil:
    """The bits of a print, and which of them are kept: the lower one of two that are equal."""
    cdef float change[PRINT_BITS]
    cdef float one
    cdef int i, k, larger
    cdef unsigned int code = 0, mask = 0
    for i in range(PRINT_BITS):
        one = (now[i] - now[i + 1]) - (before[i] - before[i + 1])
        if one > 0:
            code |= <unsigned int> 1 << i
        change[i] = fabsf(one)
    for i in range(PRINT_BITS):
        larger = 0
        for k in range(i):
            larger += change[k] >= change[i]
        for k in range(i + 1, PRINT_BITS):
            larger += change[k] > change[i]
        if larger < PRINT_KEPT:
            mask |= <unsigned int> 1 << i
    found.code = <uint16_t> code
    found.mask = <uint16_t> mask


cdef int coder_hear(Coder *c, const int16_t *samples, int count, Print *found) noexcept nogil:
    """Hear up to PRINT_HOP samples; a window that they fill is compared with the one before."""
    cdef float now[PRINT_BANDS]
    cdef int i, part = min(count, PRINT_WINDOW - c.fill), made = 0
    for i in range(part):
        c.sample[c.fill + i] = samples[i] * <float> (1.0 / 32768)
    c.fill += part
    if c.fill < PRINT_WINDOW:
        return 0
    found.power = measure(c.sample, now)
    c.peak = max(found.power, c.peak * PEAK_SINK)
    if c.known:
        compare(c.amplitude, now, found)
        made = 1
    c.known = 1
    if found.power < QUIET or found.power < c.peak * BELOW_PEAK:
        found.mask = 0
    memcpy(c.amplitude, now, sizeof(now))
    memmove(&c.sample[0], &c.sample[PRINT_HOP], (PRINT_WINDOW - PRINT_HOP) * sizeof(float))
    c.fill = PRINT_WINDOW - PRINT_HOP
    for i in range(part, count):
        c.sample[c.fill + i - part] = samples[i] * <float> (1.0 / 32768)
    c.fill += count - part
    return made


def fingerprint(const int16_t[::1] samples):
    """Prints at half the hop: two rows of windows, HOP apart, taken in turn."""
    cdef Py_ssize_t count = samples.shape[0], prints, k
    cdef float amplitude[3][PRINT_BANDS]
    cdef float window[PRINT_WINDOW]
    cdef Print found
    cdef float power
    cdef int i
    cdef uint16_t[::1] code
    cdef uint16_t[::1] mask
    cdef float[::1] loud
    prints = max((count - PRINT_WINDOW) // (PRINT_HOP // 2) - 1, 0)
    codes, masks, powers = bytearray(2 * prints), bytearray(2 * prints), bytearray(4 * prints)
    if prints:
        code = memoryview(codes).cast("H")
        mask = memoryview(masks).cast("H")
        loud = memoryview(powers).cast("f")
        with nogil:
            for k in range(prints + 2):
                for i in range(PRINT_WINDOW):
                    window[i] = samples[k * (PRINT_HOP // 2) + i] * <float> (1.0 / 32768)
                power = measure(window, amplitude[k % 3])
                if k >= 2:
                    compare(amplitude[(k - 2) % 3], amplitude[k % 3], &found)
                    code[k - 2] = found.code
                    mask[k - 2] = found.mask
                    loud[k - 2] = power
    return bytes(codes), bytes(masks), bytes(powers)


def bands(const int16_t[::1] samples):
    """For the slow twin to be compared with."""
    cdef float window[PRINT_WINDOW]
    cdef float amplitude[PRINT_BANDS]
    cdef int i
    if samples.shape[0] != PRINT_WINDOW:
        raise ValueError(f"{samples.shape[0]} samples instead of {PRINT_WINDOW}")
    for i in range(PRINT_WINDOW):
        window[i] = samples[i] * <float> (1.0 / 32768)
    measure(window, amplitude)
    return [amplitude[i] for i in range(PRINT_BANDS)]
