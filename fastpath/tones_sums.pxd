"""What is computed of each frame of 160 samples for the tones of a call: C that is made wide."""

from libc.stdint cimport int16_t

cdef extern from *:
    """
    /* Mean square without the mean, and the sums of rule 1 over the inner samples. */
    static inline void dl_still(const int16_t *x, float *power, float *slope, float *curve) {
        typedef float four __attribute__((vector_size(16)));
        typedef float loose __attribute__((vector_size(16), aligned(4)));
        float y[160] __attribute__((aligned(16)));
        four e = {0, 0, 0, 0}, a = e, b = e;
        int32_t sum = 0;
        float mean, all;
        int i;
        for (i = 0; i < 160; i++)
            sum += x[i];
        mean = (float) sum * (1.0f / 160.0f);
        for (i = 0; i < 160; i++)
            y[i] = (float) x[i] - mean;
        for (i = 2; i < 158; i += 4) {
            four m = *(const loose *) (y + i);
            e += m * m;
            a += m * (*(const loose *) (y + i + 1) + *(const loose *) (y + i - 1));
            b += m * (*(const loose *) (y + i + 2) + *(const loose *) (y + i - 2));
        }
        all = e[0] + e[1] + e[2] + e[3];
        *power = all * (1.0f / 156.0f);
        *slope = all > 0 ? 0.5f * (a[0] + a[1] + a[2] + a[3]) / all : 0;
        *curve = all > 0 ? 0.5f * (b[0] + b[1] + b[2] + b[3]) / all : 0;
    }
    """
    void still "dl_still"(
        const int16_t *x, float *power, float *slope, float *curve
    ) noexcept nogil
