"""What the detector of keys computes for each block of 102 samples: C that is made wide.

`dl_dtmf_table` is filled by `fastpath/dtmf.pyx` before anything is heard.
"""

from libc.stdint cimport int8_t, int16_t, int32_t

cdef extern from *:
    """
    typedef float dl_four __attribute__((vector_size(16)));
    /* cosines and sines of the eight tones, by the sample of a block */
    static float dl_dtmf_table[102][16] __attribute__((aligned(16)));

    /* The sums over a block, of the rows (group 0) or the columns (1). Three samples at a time: the
       sums of one would wait for each other. */
    static inline void dl_dtmf_sum(float *sums, const int16_t *samples, int group) {
        dl_four a[3], b[3];
        const dl_four *row = (const dl_four *) dl_dtmf_table[0] + group;
        int i, k;
        memset(a, 0, sizeof a);
        memset(b, 0, sizeof b);
        for (i = 0; i < 102; i += 3, row += 12)
            for (k = 0; k < 3; k++) {
                float x = samples[i + k];
                a[k] += row[4 * k] * x;
                b[k] += row[4 * k + 2] * x;
            }
        a[0] += a[1] + a[2];
        b[0] += b[1] + b[2];
        memcpy(sums + 4 * group, a, sizeof *a);
        memcpy(sums + 8 + 4 * group, b, sizeof *b);
    }

    /* Sum, energy, and the products of neighbours, of an eighth of each sample: so all fit into
       32 bits, and the processor adds eight at a time. */
    static inline void dl_dtmf_weigh(const int16_t *samples, int32_t *sums) {
        int32_t t = 0, e = 0, n = 0;
        int16_t less[102];
        int i;
        for (i = 0; i < 102; i++)
            less[i] = samples[i] >> 3;
        for (i = 0; i < 101; i++) {
            t += less[i];
            e += (int32_t) less[i] * less[i];
            n += (int32_t) less[i] * less[i + 1];
        }
        sums[0] = t + less[101];
        sums[1] = e + (int32_t) less[101] * less[101];
        sums[2] = n;
    }

    typedef int16_t dl_eight __attribute__((vector_size(16), aligned(2), may_alias));
    typedef int8_t dl_small __attribute__((vector_size(8), aligned(1), may_alias));

    /* A block in eight bits; what is louder than fits is cut. Eight at a time, the last ones over
       some of those before. */
    static inline void dl_dtmf_shrink(const int16_t *samples, int shift, int8_t *soft) {
        const dl_eight most = {127, 127, 127, 127, 127, 127, 127, 127};
        int i, at;
        for (i = 0; i < 102; i += 8) {
            at = i < 94 ? i : 94;
            dl_eight x = *(const dl_eight *) (samples + at) >> (int16_t) shift;
            dl_eight over = x > most, under = x < -most;
            x = (x & ~(over | under)) | (most & over) | (-most & under);
            *(dl_small *) (soft + at) = __builtin_convertvector(x, dl_small);
        }
    }
    """
    float dl_dtmf_table[102][16]
    void tone_sum "dl_dtmf_sum"(
        float *sums, const int16_t *samples, int group
    ) noexcept nogil
    void weigh "dl_dtmf_weigh"(const int16_t *samples, int32_t *sums) noexcept nogil
    void shrink "dl_dtmf_shrink"(const int16_t *samples, int shift, int8_t *soft) noexcept nogil


cdef inline int strongest(const float *power) noexcept nogil:
    """Which of four."""
    cdef int i, best = 0
    for i in range(1, 4):
        if power[i] > power[best]:
            best = i
    return best
