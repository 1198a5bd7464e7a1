"""The arithmetic of the voice detector: loops of whole numbers, which compilers make parallel."""

from libc.stdint cimport int16_t, int32_t, uint8_t


cdef extern from *:
    """
    #include <math.h>

    /* `y` is `x` in steps of 1, 2, 4 .. 32: written out, for only then the shift is of 16 bits. */
    #define DL_VAD_SHIFT(n) case n: for (i = 0; i < count; i++) y[i] = (int16_t) (x[i] >> n); break
    static inline void dl_vad_steps(int16_t *y, const int16_t *x, int count, int steps) {
        int i;
        switch (steps) {
            DL_VAD_SHIFT(0);
            DL_VAD_SHIFT(1);
            DL_VAD_SHIFT(2);
            DL_VAD_SHIFT(3);
            DL_VAD_SHIFT(4);
            DL_VAD_SHIFT(5);
        }
    }

    /* Sums of products of a frame at lags 0 to 4, the sum of its samples, for each lag the sum of
       those at its ends that have no partner, and the power that two filters leave of it: samples
       less the mean of the 20 around (above 300 Hz), differences. Loud frames are heard in steps
       of 2, 4, 8 or 16, so that 160 products fit into 32 bits, and 16 samples into 16. */
    static inline int dl_vad_sums(const int16_t *x, int32_t *r, int32_t *total, int32_t *ends,
                                  double *power, int16_t *low) {
        int16_t y[168], four[160], sixteen[144];
        float p[8] = {0};
        int lag, i, k, steps = 0;
        int16_t all = 0;
        for (i = 0; i < 160; i++)
            all |= (int16_t) (x[i] ^ (x[i] >> 15));
        while (all >> steps > 2047)
            steps++;
        dl_vad_steps(y, x, 160, steps);
        for (i = 160; i < 168; i++)
            y[i] = 0;
        for (i = 0; i < 160; i++)
            four[i] = (int16_t) (y[i] + y[i + 1] + y[i + 2] + y[i + 3]);
        for (i = 0; i < 144; i++)
            sixteen[i] = (int16_t) (four[i] + four[i + 4] + four[i + 8] + four[i + 12]);
        *total = four[144] + four[148] + four[152] + four[156];
        for (i = 0; i < 144; i += 16)
            *total += sixteen[i];
        for (i = 0; i < 40; i++)
            low[i] = (int16_t) ((int32_t) four[4 * i] * (1 << steps) >> 2);
        ends[0] = 0;
        for (lag = 1; lag < 5; lag++)
            ends[lag] = ends[lag - 1] + y[lag - 1] + y[160 - lag];
        for (lag = 0; lag < 5; lag++) {
            int32_t of_lag = 0;
            for (i = 0; i < 160; i++)
                of_lag += (int32_t) y[i] * y[i + lag];
            r[lag] = of_lag;
        }
        for (i = 0; i < 136; i += 8)
            for (k = 0; k < 8; k++) {
                float left = (float) (20 * y[i + k + 10] - sixteen[i + k + 1] - four[i + k + 17]);
                p[k] += left * left;
            }
        for (i = 136; i < 140; i++) {
            float left = (float) (20 * y[i + 10] - sixteen[i + 1] - four[i + 17]);
            p[i - 136] += left * left;
        }
        power[0] = 0;
        for (k = 0; k < 8; k++)
            power[0] += p[k];
        power[1] = 2.0 * r[0] - 2.0 * r[1] - (double) y[0] * y[0] - (double) y[159] * y[159];
        return steps;
    }

    /* How alike a frame at 2 kHz and what was `lag` before it are at the best lag, 62 to 400 Hz;
       in steps, as above. */
    static inline float dl_vad_periodic(const int16_t *before, const int16_t *low, uint8_t *lag) {
        int16_t y[80], all = 0;
        int32_t gone[32], energy[33], at_lag[28];
        float found[28], best[4] = {0}, most;
        int i, k, steps = 0, total = 0, here = 0;
        for (i = 0; i < 40; i++)
            all |= (int16_t) ((before[i] ^ (before[i] >> 15)) | (low[i] ^ (low[i] >> 15)));
        while (all >> steps > 1023)  /* the mean makes it twice as much */
            steps++;
        dl_vad_steps(y, before, 40, steps);
        dl_vad_steps(y + 40, low, 40, steps);
        for (i = 0; i < 80; i++)
            total += y[i];
        total /= 80;
        for (i = 0; i < 80; i++)
            y[i] = (int16_t) (y[i] - total);
        for (i = 40; i < 80; i++)
            here += (int32_t) y[i] * y[i];
        for (i = 0; i < 32; i++)
            gone[i] = (int32_t) y[8 + i] * y[8 + i] - (int32_t) y[48 + i] * y[48 + i];
        energy[0] = here;
        for (k = 1; k < 33; k++)
            energy[k] = energy[k - 1] + gone[32 - k];
        for (k = 0; k < 28; k++) {
            int32_t of_lag = 0;
            for (i = 40; i < 80; i++)
                of_lag += (int32_t) y[i] * y[i - k - 5];
            at_lag[k] = of_lag;
        }
        for (k = 0; k < 28; k++) {
            float alike = (float) (at_lag[k] & ~(at_lag[k] >> 31));  /* or nothing */
            found[k] = alike * alike / ((float) energy[k + 5] + 1.0f);
        }
        for (i = 0; i < 28; i += 4)
            for (k = 0; k < 4; k++)
                best[k] = found[i + k] > best[k] ? found[i + k] : best[k];
        most = best[0];
        for (k = 1; k < 4; k++)
            most = best[k] > most ? best[k] : most;
        for (k = 0; found[k] < most; k++)
            ;
        *lag = (uint8_t) (k + 5);
        return sqrtf(most / ((float) here + 1.0f));
    }
    """
    int sums "dl_vad_sums"(
        const int16_t *x, int32_t *r, int32_t *total, int32_t *ends, double *power, int16_t *low
    ) noexcept nogil
    float periodic "dl_vad_periodic"(
        const int16_t *before, const int16_t *low, uint8_t *lag
    ) noexcept nogil
    float logf(float) noexcept nogil
