# Phone numbers: the compiled numbering plan and the one type that may be dialed.

from libc.stdint cimport uint8_t, uint16_t, uint64_t


cdef enum:
    DIGITS_MAX = 15         # E.164 without the plus
    LENGTHS = 16            # national significant numbers of 0 to 15 digits
    HEADS = 10000           # the first four digits of a national significant number
    ALLOW_MAX = 64          # destination prefixes
    EMERGENCY_MAX = 64


cdef struct Rule:
    # What a (length, first digits) pair of a national significant number means.
    uint64_t base           # country code and (new) area or operator code, already shifted left
    uint64_t modulus        # 10 ** digits kept from what was written
    uint16_t carrier        # index into Numbering.carriers
    uint8_t reason          # 0: may be dialed
    uint8_t converted       # an old number
    uint8_t length          # digits of the national significant number of today


cdef struct Found:
    # What one text turned out to be. `value` is 0 when no number could be read.
    uint64_t value
    uint16_t rule           # low 12 bits: index into the rules; high bits: RULE_ZERO, RULE_PORTED
    uint16_t carrier
    uint8_t reason
    uint8_t converted
    uint8_t foreign         # of another country: value holds its own country code


cdef class Number:
    cdef readonly uint64_t value
    cdef readonly str carrier
    cdef uint8_t _country_digits      # 0: of another country


cdef class Numbering:
    cdef Rule* _rules
    cdef uint16_t* _table             # [LENGTHS][HEADS] -> rule, 0: none
    cdef uint16_t* _lengths           # [HEADS] -> bit set of the lengths that have a rule
    cdef uint64_t* _ported            # open addressing: E.164 value, 0 empty
    cdef uint16_t* _ported_carrier
    cdef uint64_t _ported_mask        # slots - 1, 0: no override at all
    cdef uint64_t _allow_low[DIGITS_MAX + 1][ALLOW_MAX]     # per count of digits: first value ...
    cdef uint64_t _allow_high[DIGITS_MAX + 1][ALLOW_MAX]    # ... and last value of a prefix
    cdef uint64_t _emergency[EMERGENCY_MAX]
    cdef uint16_t _emergency_rule[EMERGENCY_MAX]
    cdef int _allow_count
    cdef int _emergency_count
    cdef int _rule_count
    cdef uint64_t _country
    cdef int _country_digits
    cdef uint16_t _international_rule
    cdef readonly tuple carriers
    cdef readonly tuple rules
    cdef readonly tuple reasons

    cdef _add_rules(self, rows)
    cdef _set_rule(
        self, int index, lengths, str prefix, str new, int carrier, int reason, bint converted)
    cdef _add_emergency(self, rows)
    cdef _add_allowed(self, prefixes)
    cdef _add_ported(self, ported)
    cdef bint _starts_country(self, const uint8_t* digits, int n) noexcept nogil
    cdef void _read(self, str text, Found* found) noexcept
    cdef void _resolve(
        self, const uint8_t* digits, int n, bint plus, Found* found) noexcept nogil
    cdef void _international(
        self, const uint8_t* digits, int n, Found* found) noexcept nogil
    cdef bint _national(
        self, const uint8_t* digits, int n, Found* found) noexcept nogil
    cdef bint _allowed(self, uint64_t value) noexcept nogil
    cdef int _find_ported(self, uint64_t value) noexcept nogil
    cdef Number _make(self, const Found* found)
