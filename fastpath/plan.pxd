# A numbering plan as tables: what a national significant number means.

from libc.stdint cimport uint8_t, uint16_t, uint64_t


cdef enum:
    DIGITS_MAX = 15         # E.164 without the plus
    LENGTHS = 16            # national significant numbers of 0 to 15 digits
    HEADS = 10000           # the first four digits of a national significant number
    RULES_MAX = 4095
    ALLOW_MAX = 64          # destination prefixes
    SHORT_MAX = 64          # emergency numbers
    PORTED_MAX = 4000000

# The high bits of a rule code; the others are an index into Plan.rules.
cdef enum:
    RULE_BASE = 0x0fff
    RULE_ZERO = 0x1000
    RULE_PORTED = 0x2000


cdef struct Rule:
    # What a (length, first digits) pair of a national significant number means.
    uint64_t base           # country code and (new) area or operator code, already shifted left
    uint64_t modulus        # 10 ** digits kept from what was written
    uint16_t carrier        # index into Plan.carriers
    uint8_t reason          # 0: may be dialed
    uint8_t converted       # an old number
    uint8_t length          # digits of the national significant number of today


cdef struct Found:
    # What one text turned out to be. `value` is 0 when no number could be read.
    uint64_t value
    uint16_t rule
    uint16_t carrier
    uint8_t reason
    uint8_t converted
    uint8_t foreign         # of another country: value holds its own country code


cdef class Plan:
    cdef Rule* _rules
    cdef uint16_t* _table           # [LENGTHS][HEADS] -> rule, 0: none
    cdef uint16_t* _lengths         # [HEADS] -> bit set of the lengths that have a rule
    cdef uint64_t* _ported          # open addressing: E.164 value, 0 empty
    cdef uint16_t* _ported_carrier
    cdef uint64_t _ported_mask      # slots - 1; 0: no override at all
    cdef uint64_t _allow_low[DIGITS_MAX + 1][ALLOW_MAX]     # per count of digits: first value ...
    cdef uint64_t _allow_high[DIGITS_MAX + 1][ALLOW_MAX]    # ... and last value of a prefix
    cdef uint64_t _short[SHORT_MAX]
    cdef uint16_t _short_rule[SHORT_MAX]
    cdef int _allow_count
    cdef int _short_count
    cdef uint64_t country
    cdef int country_digits
    cdef readonly tuple carriers
    cdef readonly tuple rules

    cdef _add_rules(self, rows)
    cdef _set_rule(self, int index, lengths, str prefix, str new, bint converted)
    cdef _add_short(self, rows)
    cdef _add_allowed(self, prefixes)
    cdef _add_ported(self, ported)
    # A national significant number against the plan; False when no rule knows it.
    cdef bint national(self, const uint8_t* digits, int n, Found* found) noexcept nogil
    # Whether the digits begin with the country's own code.
    cdef bint starts_country(self, const uint8_t* digits, int n) noexcept nogil
    # Whether an E.164 value begins with an allowed prefix.
    cdef bint allowed(self, uint64_t value) noexcept nogil
    # The carrier in the override table, 0 when there is none.
    cdef int ported(self, uint64_t value) noexcept nogil


cdef uint64_t number_of(const uint8_t* digits, int n) noexcept nogil
