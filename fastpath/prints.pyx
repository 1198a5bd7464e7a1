# cython: auto_pickle=False, autotestdict=False
"""Announcements. What happens to every print of a call (`prints_code` makes them):

1. The bank lies in a row, and an alignment is the distance between a place in it and the call's
   print. Each alignment has one number: the bits in which the call differed from the bank along
   it, the last second counting most. A print costs one addition for each place of the bank.
2. Now and then the best alignments are looked at closely, print by print over the last 4 s. Where
   the recording is silent nothing is compared, and prints that recordings of another kind share
   must be borne out by such as are the recording's own.
3. 2 s with few differing bits make a candidate.
4. 4 s at one alignment make it sure, if none of their eighths differs much more than the others:
   announcements of one voice have words and phrases in common, hardly ever so much on end. What is
   shorter has to be heard whole, and then once more.
5. When recordings of two kinds fit equally well nothing is sure.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memset

from collections import namedtuple

from fastpath.prints_bank cimport PRINT_SHARED, PRINT_SILENT, PrintRef
from fastpath.prints_code cimport PRINT_HOP, PRINT_WINDOW, Print, coder_hear, coder_init

PrintMatch = namedtuple("PrintMatch", "ref sure ber position_ms from_ms at_ms")

cdef extern from *:
    """
    typedef uint16_t dl_codes __attribute__((vector_size(16)));
    typedef int16_t dl_sums __attribute__((vector_size(16)));

    /* Bits set of each: a sum of bits, of pairs, of quarters, of halves. */
    #define DL_BITS(x) \
        x -= (x >> 1) & 0x5555; \
        x = (x & 0x3333) + ((x >> 2) & 0x3333); \
        x = (x + (x >> 4)) & 0x0f0f; \
        x = (x + (x >> 8)) & 0x1f

    /* Each sum moves a 32nd of the way to 1024 times the bits in which its print differs. */
    static void dl_prints_scan(int16_t *sums, const uint16_t *codes, int count,
                               uint16_t code, uint16_t mask) {
        int i = 0;
        for (; i + 8 <= count; i += 8) {
            dl_codes x;
            dl_sums s;
            memcpy(&x, codes + i, sizeof x);
            memcpy(&s, sums + i, sizeof s);
            x = (x ^ code) & mask;
            DL_BITS(x);
            s += ((dl_sums) (x << 10) - s) >> 5;
            memcpy(sums + i, &s, sizeof s);
        }
        for (; i < count; i++) {
            unsigned x = (codes[i] ^ code) & mask;
            DL_BITS(x);
            sums[i] = (int16_t) (sums[i] + (((int) (x << 10) - sums[i]) >> 5));
        }
    }

    static inline int dl_prints_least(const int16_t *sums, int count) {
        int least = 32767, i;
        int16_t low[8];
        dl_sums s, m;
        if (count >= 8) {
            memcpy(&m, sums, sizeof m);
            for (i = 8; i + 8 <= count; i += 8) {
                memcpy(&s, sums + i, sizeof s);
                dl_sums less = s < m;
                m = (s & less) | (m & ~less);
            }
            memcpy(low, &m, sizeof low);
            for (i = 0; i < 8; i++)
                if (low[i] < least)
                    least = low[i];
        }
        for (i = count & ~7; i < count; i++)
            if (sums[i] < least)
                least = sums[i];
        return least;
    }
    """
    void scan "dl_prints_scan"(
        int16_t *sums, const uint16_t *codes, int count, uint16_t code, uint16_t mask
    ) noexcept nogil
    int least "dl_prints_least"(const int16_t *sums, int count) noexcept nogil
    int popcount "__builtin_popcount"(unsigned int) noexcept nogil

cdef enum:
    UNKNOWN = 5120  # a sum before anything was heard: half of ten bits differ
    LEAD_MAX = 3500  # a sum worth a closer look: 34 %
    LOOK_FROM = 34  # prints
    LOOK_EVERY = 4
    BRIEF_MIN = 34  # prints that must be compared in 2 s, the others being silence
    OVERLAP_MIN = 112  # of PRINTS_LONG
    WHOLE_MIN = 62  # in 4 s
    OWN_MIN = 12  # of them not shared
    SEGMENT_MIN = 6  # prints: an eighth with less says nothing

# parts of the bits that may differ
cdef float BRIEF_MAX = <float> 0.31  # less where less was compared:
cdef float BRIEF_STEP = <float> 0.0025
cdef float TWICE_MAX = <float> 0.27
cdef float WHOLE_MAX = <float> 0.30
cdef float OWN_MAX = <float> 0.36
cdef float RIVAL = <float> 0.04  # another kind must explain so much less
cdef float UNCOVERED = <float> 0.45  # of bits with which nothing could be compared
cdef float[4] EVEN = [0.22, 1.6, 0.25, 0.42]  # base, rise; least and most


cdef int prints_init(Prints *p, const Bank *bank) noexcept nogil:
    cdef int i
    memset(p, 0, sizeof(Prints))
    coder_init(&p.coder)
    p.match.ref = p.told = -1
    for i in range(PRINTS_PASSES):
        p.passes[i].ref = -1
    if bank == NULL or bank.prints == 0:
        return 1
    p.sums = <int16_t *> malloc(bank.prints * sizeof(int16_t))
    if p.sums == NULL:
        return 0
    for i in range(bank.prints):
        p.sums[i] = UNKNOWN
    p.bank = bank
    return 1


cdef void prints_free(Prints *p) noexcept nogil:
    free(p.sums)
    p.sums = NULL
    p.bank = NULL


cdef inline float rate(const Tally *t) noexcept nogil:
    return <float> t.errors / <float> t.bits if t.bits else <float> 0.5


cdef inline void count_in(Tally *t, int bits, int errors) noexcept nogil:
    t.prints += 1
    t.bits += bits
    t.errors += errors


cdef int ref_at(const Bank *bank, int place) noexcept nogil:
    cdef int low = 0, high = bank.refs - 1, middle
    while low < high:
        middle = (low + high + 1) // 2
        if bank.ref[middle].begin <= place:
            low = middle
        else:
            high = middle - 1
    return low


cdef void examine(const Prints *p, int alignment, Window *w) noexcept nogil:
    """Compare one alignment over the last 4 s, as far as its recording reaches."""
    cdef const Bank *bank = p.bank
    cdef int k, at, bits, errors, place = (alignment + p.turn) % bank.prints
    cdef int own
    memset(w, 0, sizeof(Window))
    w.place = place
    w.ref = ref_at(bank, place)
    w.overlap = (place - bank.ref[w.ref].begin) // 2 + 1
    w.overlap = <int> min(<int64_t> min(w.overlap, PRINTS_LONG), p.print)
    for k in range(w.overlap):
        at = (p.print - 1 - k) & (PRINTS_HISTORY - 1)
        bits = popcount(p.mask[at])
        if bits == 0 or bank.flags[place - 2 * k] & PRINT_SILENT:
            continue
        errors = popcount((p.code[at] ^ bank.code[place - 2 * k]) & p.mask[at])
        own = not bank.flags[place - 2 * k] & PRINT_SHARED
        count_in(&w.whole, bits, errors)
        count_in(&w.segment[k * PRINTS_SEGMENTS // PRINTS_LONG], bits, errors)
        if own:
            count_in(&w.whole_own, bits, errors)
        if k < PRINTS_SHORT:
            count_in(&w.brief, bits, errors)
            if own:
                count_in(&w.brief_own, bits, errors)


cdef int even(const Window *w) noexcept nogil:
    """Whether no part is much worse than the better ones, which tell how bad the line is."""
    cdef float rates[PRINTS_SEGMENTS]
    cdef float one, most
    cdef int i, k, count = 0
    for i in range(PRINTS_SEGMENTS):
        if w.segment[i].prints < SEGMENT_MIN:
            continue
        one = rate(&w.segment[i])
        k = count
        while k > 0 and rates[k - 1] > one:
            rates[k] = rates[k - 1]
            k -= 1
        rates[k] = one
        count += 1
    if count < 2:
        return 0
    most = EVEN[0] + EVEN[1] * rates[count // 3]
    return rates[count - 1] <= min(max(most, EVEN[2]), EVEN[3])


cdef int brief_agrees(const Window *w) noexcept nogil:
    cdef float most = BRIEF_MAX - BRIEF_STEP * (PRINTS_SHORT - w.brief.prints)
    return w.brief.prints >= BRIEF_MIN and rate(&w.brief) <= most


cdef int whole_agrees(const Window *w) noexcept nogil:
    if w.overlap < OVERLAP_MIN or w.whole.prints < WHOLE_MIN or w.whole_own.prints < OWN_MIN:
        return 0
    return (rate(&w.whole) <= WHOLE_MAX and rate(&w.whole_own) <= OWN_MAX
            and even(w))


cdef int twice_agrees(Prints *p, const Window *w) noexcept nogil:
    """Whether a recording of less than 4 s was heard for the second time, nearly whole."""
    cdef const PrintRef *ref = &p.bank.ref[w.ref]
    cdef int i, steps = (ref.end - ref.begin) // 2
    if steps >= OVERLAP_MIN or w.overlap < PRINTS_SHORT - 8 or 8 * w.overlap < 7 * steps:
        return 0
    if rate(&w.whole) > TWICE_MAX or w.whole_own.prints < OWN_MIN or not even(w):
        return 0
    for i in range(PRINTS_PASSES):
        if p.passes[i].ref == w.ref:
            return p.print - p.passes[i].print >= w.overlap
    p.passes[p.next_pass].ref = w.ref
    p.passes[p.next_pass].print = p.print
    p.next_pass = (p.next_pass + 1) % PRINTS_PASSES
    return 0


cdef int leads(const Prints *p, int *found) noexcept nogil:
    """The best alignments, at most one of each block, best first."""
    cdef int best[PRINTS_LEADS]
    cdef int count = 0, block, begin, size, one, k, i, prints = p.bank.prints
    for block in range((prints + PRINTS_BLOCK - 1) // PRINTS_BLOCK):
        begin = block * PRINTS_BLOCK
        size = min(PRINTS_BLOCK, prints - begin)
        one = least(p.sums + begin, size)
        if one > LEAD_MAX or (count == PRINTS_LEADS and one >= best[count - 1]):
            continue
        i = 0
        while p.sums[begin + i] != one:
            i += 1
        k = min(count, PRINTS_LEADS - 1)
        count = min(count + 1, PRINTS_LEADS)
        while k > 0 and best[k - 1] > one:
            best[k] = best[k - 1]
            found[k] = found[k - 1]
            k -= 1
        best[k] = one
        found[k] = begin + i
    return count


cdef int tell(Prints *p, const Window *w, int sure) noexcept nogil:
    """Make it news, unless it is none."""
    cdef Match *m = &p.match
    cdef int bit = 1 << (w.ref & 7), prints = w.overlap
    if sure == MATCH_SURE:
        if p.told_sure[w.ref >> 3] & bit:
            return MATCH_NONE
        p.told_sure[w.ref >> 3] |= <uint8_t> bit
    elif p.told == w.ref or p.told_sure[w.ref >> 3] & bit:
        return MATCH_NONE
    else:
        prints = min(prints, PRINTS_SHORT)
    p.told = w.ref
    m.ref = w.ref
    m.sure = <uint8_t> sure
    m.ber = rate(&w.whole) if sure == MATCH_SURE else rate(&w.brief)
    m.position_ms = ((w.place - p.bank.ref[w.ref].begin) * (PRINT_HOP // 2)
                     + PRINT_HOP + PRINT_WINDOW) // 8
    m.at_ms = <int32_t> (p.samples // 8)
    m.from_ms = max(m.at_ms - (prints * PRINT_HOP + PRINT_WINDOW) // 8, 0)
    return sure


cdef float unexplained(const Window *w, int bits) noexcept nogil:
    """The part of the last 4 s, so many bits, that an alignment does not tell."""
    return (w.whole.errors + UNCOVERED * (bits - w.whole.bits)) / bits


cdef int look(Prints *p) noexcept nogil:
    """Look closely at what fits best; whether it is news."""
    cdef int found[PRINTS_LEADS]
    cdef float cost[PRINTS_LEADS]
    cdef Window w[PRINTS_LEADS]
    cdef int i, count = leads(p, found), best = -1, sure, bits = 0
    cdef const PrintRef *ref = p.bank.ref
    p.hot = 0
    for i in range(<int> min(p.print, <int64_t> PRINTS_LONG)):
        bits += popcount(p.mask[(p.print - 1 - i) & (PRINTS_HISTORY - 1)])
    for i in range(count):
        examine(p, found[i], &w[i])
        cost[i] = unexplained(&w[i], bits)
        if not brief_agrees(&w[i]) and not whole_agrees(&w[i]):
            continue
        p.hot = 1
        if best < 0 or cost[i] < cost[best]:
            best = i
    if best < 0:
        return MATCH_NONE
    sure = whole_agrees(&w[best]) or twice_agrees(p, &w[best])
    for i in range(count):
        if ref[w[i].ref].kind != ref[w[best].ref].kind and cost[i] < cost[best] + RIVAL:
            sure = 0
    return tell(p, &w[best], MATCH_SURE if sure else MATCH_CANDIDATE)


cdef int take(Prints *p, uint16_t code, uint16_t mask) noexcept nogil:
    """The next print of the call."""
    cdef int at = p.print & (PRINTS_HISTORY - 1), prints = p.bank.prints
    p.code[at] = code
    p.mask[at] = mask
    p.turn = (p.turn + 2) % prints
    p.print += 1
    if mask == 0:
        return MATCH_NONE
    scan(p.sums, p.bank.code + p.turn, prints - p.turn, code, mask)
    scan(p.sums + prints - p.turn, p.bank.code, p.turn, code, mask)
    if p.print < LOOK_FROM or (not p.hot and p.print % LOOK_EVERY):
        return MATCH_NONE
    return look(p)


cdef int prints_hear(Prints *p, const int16_t *samples, int count) noexcept nogil:
    cdef Print found
    p.samples += count
    if p.bank == NULL or not coder_hear(&p.coder, samples, count, &found):
        return MATCH_NONE
    return take(p, found.code, found.mask)


cdef void prints_gap(Prints *p, int count) noexcept nogil:
    """Silence in its place: a print of eight times that length bears it."""
    cdef int16_t nothing[PRINT_HOP]
    cdef int part
    memset(&nothing[0], 0, sizeof(nothing))
    while count > 0:
        part = min(count, PRINT_HOP)
        prints_hear(p, &nothing[0], part)
        count -= part


cdef class PrintMatcher:
    """One call against a bank."""

    def __cinit__(self, PrintBank bank not None):
        self.bank = bank
        if not prints_init(&self.state, &bank.bank):
            raise MemoryError

    def __dealloc__(self):
        prints_free(&self.state)

    cdef news(self):
        cdef const Match *m = &self.state.match
        return PrintMatch(m.ref, m.sure == MATCH_SURE, m.ber, m.position_ms, m.from_ms, m.at_ms)

    def hear(self, const int16_t[::1] samples):
        cdef Py_ssize_t at, count = samples.shape[0]
        found = []
        for at in range(0, count, 160):
            if prints_hear(&self.state, &samples[at], <int> min(160, count - at)):
                found.append(self.news())
        return found

    def gap(self, int samples):
        if samples < 0:
            raise ValueError(f"a gap of {samples} samples")
        prints_gap(&self.state, samples)

    def take(self, const uint16_t[::1] codes, const uint16_t[::1] masks):
        cdef Py_ssize_t i
        if codes.shape[0] != masks.shape[0]:
            raise ValueError(f"{codes.shape[0]} codes, {masks.shape[0]} masks")
        found = []
        for i in range(codes.shape[0] if len(self.bank) else 0):
            self.state.samples += PRINT_HOP
            if take(&self.state, codes[i], masks[i]):
                found.append(self.news())
        return found
