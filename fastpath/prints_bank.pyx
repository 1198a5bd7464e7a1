# cython: auto_pickle=False, autotestdict=False
"""Banks of fingerprints, and the phrases that two recordings have in common.

Two recordings are laid beside each other in every possible way. Where for 3 s on end they differ in
few of the bits that both believe, that is the same phrase in the same mouth.
"""

from libc.stdlib cimport free, malloc

REFS_MAX = PRINTS_REFS_MAX
PRINTS_MAX = PRINTS_BANK_MAX
SILENT = PRINT_SILENT
SHARED = PRINT_SHARED

cdef extern from *:
    int popcount "__builtin_popcount"(unsigned int) noexcept nogil

cdef enum:
    COMMON_BITS_MIN = 60  # believed by both, in 0.64 s
    COMMON_PART = 6  # one of so many may differ

cdef struct Row:
    int prints
    const uint16_t *code
    const uint16_t *mask
    uint8_t *common


cdef void mark(Row *a, Row *b, int shift, int begin, int end) noexcept nogil:
    """A stretch of `a` and where it lies on `b`, when it is long enough."""
    cdef int k
    if end - begin < COMMON_MIN:
        return
    for k in range(begin, end):
        a.common[k] = b.common[k - shift] = 1


cdef void compare(Row *a, Row *b, int shift, uint8_t *bits, uint8_t *errors) noexcept nogil:
    """One way to lay them: print k of `a` beside k - shift of `b`."""
    cdef int begin = max(shift, 0), end = min(a.prints, b.prints + shift)
    cdef int i, k, all_bits = 0, all_errors = 0, since = -1
    cdef uint16_t both
    for i in range((end - begin) // 2):
        k = begin + 2 * i
        both = a.mask[k] & b.mask[k - shift]
        bits[i] = <uint8_t> popcount(both)
        errors[i] = <uint8_t> popcount((a.code[k] ^ b.code[k - shift]) & both)
        all_bits += bits[i]
        all_errors += errors[i]
        if i >= COMMON_STEPS:
            all_bits -= bits[i - COMMON_STEPS]
            all_errors -= errors[i - COMMON_STEPS]
        if i < COMMON_STEPS - 1:
            continue
        if all_bits >= COMMON_BITS_MIN and COMMON_PART * all_errors <= all_bits:
            if since < 0:
                since = k + 2 - 2 * COMMON_STEPS
        elif since >= 0:
            mark(a, b, shift, since, k)
            since = -1
    if since >= 0:
        mark(a, b, shift, since, begin + (end - begin) // 2 * 2)


def common(first, second):
    """Which prints of two recordings, each (codes, masks), are of a phrase that both have."""
    cdef const uint16_t[::1] row
    cdef Row rows[2]
    cdef uint8_t[::1] found
    cdef uint8_t *room
    cdef int i, shift
    marks = []
    kept = []
    for i, (code, mask) in enumerate((first, second)):
        if len(code) != len(mask) or len(code) % 2 or len(code) // 2 > PRINTS_BANK_MAX:
            raise ValueError(f"{len(code)} octets of codes, {len(mask)} of masks")
        rows[i].prints = len(code) // 2
        marks.append(bytearray(max(rows[i].prints, 1)))
        codes, masks = bytes(code) + bytes(2), bytes(mask) + bytes(2)
        kept.append((codes, masks))
        row = memoryview(codes).cast("H")
        rows[i].code = &row[0]
        row = memoryview(masks).cast("H")
        rows[i].mask = &row[0]
        found = marks[i]
        rows[i].common = &found[0]
    room = <uint8_t *> malloc(rows[0].prints + 1 + rows[1].prints + 1)
    if room == NULL:
        raise MemoryError
    with nogil:
        for shift in range(-rows[1].prints + 2 * COMMON_STEPS, rows[0].prints):
            compare(&rows[0], &rows[1], shift, room, room + rows[0].prints + 1)
    free(room)
    return bytes(marks[0][: rows[0].prints]), bytes(marks[1][: rows[1].prints])


cdef class PrintBank:
    """The prints of recordings, in a row."""

    def __cinit__(self, recordings):
        cdef int i, begin = 0
        cdef const uint16_t[::1] codes
        cdef const uint8_t[::1] flags
        recordings = list(recordings)
        if len(recordings) > PRINTS_REFS_MAX:
            raise ValueError(f"{len(recordings)} recordings; at most {PRINTS_REFS_MAX}")
        for number, (code, flag, _) in enumerate(recordings):
            if not len(flag) or len(code) != 2 * len(flag):
                raise ValueError(f"recording {number}: {len(code)} octets, {len(flag)} flags")
        total = sum(len(flag) for _, flag, _ in recordings)
        if total > PRINTS_BANK_MAX:
            raise ValueError(f"{total} prints; at most {PRINTS_BANK_MAX}")
        refs = bytearray(len(recordings) * sizeof(PrintRef))
        kept_codes = bytearray(b"".join(bytes(code) for code, _, _ in recordings))
        kept_flags = bytearray(b"".join(bytes(flag) for _, flag, _ in recordings))
        self.kept = (refs, kept_codes, kept_flags)
        self.bank.refs = len(recordings)
        self.bank.prints = total
        if not total:
            return
        self.bank.ref = <PrintRef *> <char *> refs
        codes = memoryview(kept_codes).cast("H")
        flags = kept_flags
        self.bank.code = <uint16_t *> &codes[0]
        self.bank.flags = <uint8_t *> &flags[0]
        for i, (_, flag, kind) in enumerate(recordings):
            self.bank.ref[i].begin = begin
            begin += len(flag)
            self.bank.ref[i].end = begin
            self.bank.ref[i].kind = kind

    def __len__(self):
        return self.bank.refs

    @property
    def prints(self):
        return self.bank.prints
