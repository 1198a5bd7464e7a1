# cython: auto_pickle=False, autotestdict=False
"""The tones of keys (ITU-T Q.23), made."""

from libc.math cimport rint, sin

DIGITS = "0123456789*#ABCD"

cdef enum:
    RATE = 8000

cdef double PI = 3.14159265358979323846
cdef int[4] ROWS = [697, 770, 852, 941]
cdef int[4] COLUMNS = [1209, 1336, 1477, 1633]
cdef int[16] PLACES = [13, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 14, 3, 7, 11, 15]  # row * 4 + column
cdef int16_t[8000] LOW  # a second of 1 Hz at the level of the rows, and of the columns
cdef int16_t[8000] HIGH


cdef void fill_tables() noexcept:
    cdef int n
    for n in range(RATE):
        # ETSI ES 201 235-2: the upper tone 2 dB above the lower one; here -8 and -10 dBm0
        LOW[n] = <int16_t> rint(7050 * sin(2 * PI * n / RATE))
        HIGH[n] = <int16_t> rint(8875 * sin(2 * PI * n / RATE))


fill_tables()


cdef void dtmf_tone(int code, int64_t position, int16_t *samples, int count) noexcept nogil:
    """The tone of a key from its sample `position` on. All frequencies are whole hertz: a table of
    one second holds every sample exactly."""
    cdef int row = ROWS[PLACES[code & 15] // 4], i
    cdef int column = COLUMNS[PLACES[code & 15] % 4]
    cdef int64_t low = position * row % RATE, high = position * column % RATE
    for i in range(count):
        samples[i] = <int16_t> (LOW[low] + HIGH[high])
        low += row
        high += column
        if low >= RATE:
            low -= RATE
        if high >= RATE:
            high -= RATE


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
