"""The few atomic operations that the threads of the media engine meet by."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from * nogil:
    """
    #include <stdint.h>
    static inline uint8_t dl_get8(const uint8_t *p) {
        return __atomic_load_n(p, __ATOMIC_ACQUIRE);
    }
    static inline void dl_set8(uint8_t *p, uint8_t v) {
        __atomic_store_n(p, v, __ATOMIC_RELEASE);
    }
    static inline int dl_swap8(uint8_t *p, uint8_t from, uint8_t to) {
        return __atomic_compare_exchange_n(p, &from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
    static inline uint8_t dl_exchange8(uint8_t *p, uint8_t v) {
        return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL);
    }
    static inline uint32_t dl_get32(const uint32_t *p) {
        return __atomic_load_n(p, __ATOMIC_ACQUIRE);
    }
    static inline void dl_set32(uint32_t *p, uint32_t v) {
        __atomic_store_n(p, v, __ATOMIC_RELEASE);
    }
    static inline void dl_add32(int32_t *p, int32_t v) {
        __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL);
    }
    static inline int32_t dl_geti32(const int32_t *p) {
        return __atomic_load_n(p, __ATOMIC_ACQUIRE);
    }
    static inline uint64_t dl_get64(const uint64_t *p) {
        return __atomic_load_n(p, __ATOMIC_ACQUIRE);
    }
    static inline void dl_set64(uint64_t *p, uint64_t v) {
        __atomic_store_n(p, v, __ATOMIC_RELEASE);
    }
    static inline void dl_pause(void) {
    #if defined(__x86_64__)
        __builtin_ia32_pause();
    #endif
    }
    """
    uint8_t get8 "dl_get8"(const uint8_t *p)
    void set8 "dl_set8"(uint8_t *p, uint8_t v)
    int swap8 "dl_swap8"(uint8_t *p, uint8_t expected, uint8_t v)  # whether it was as expected
    uint8_t exchange8 "dl_exchange8"(uint8_t *p, uint8_t v)
    uint32_t get32 "dl_get32"(const uint32_t *p)
    void set32 "dl_set32"(uint32_t *p, uint32_t v)
    int32_t geti32 "dl_geti32"(const int32_t *p)
    void add32 "dl_add32"(int32_t *p, int32_t v)
    uint64_t get64 "dl_get64"(const uint64_t *p)
    void set64 "dl_set64"(uint64_t *p, uint64_t v)
    void pause "dl_pause"()
