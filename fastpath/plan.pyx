# cython: auto_pickle=False, autotestdict=False
"""A numbering plan as tables: what a national significant number means.

One look-up decides: [length of the number][its first four digits] -> rule. A rule of a migration
table holds the new code already multiplied to its place, so a conversion is a modulo and a sum.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport uint8_t, uint16_t, uint64_t

from fastpath.digits cimport R_OK, R_PREFIX, R_TOO_LONG, R_TOO_SHORT

cdef uint64_t POWER[16]


cdef void _fill_powers() noexcept:
    cdef int i
    POWER[0] = 1
    for i in range(1, 16):
        POWER[i] = POWER[i - 1] * 10


_fill_powers()


cdef uint64_t number_of(const uint8_t* digits, int n) noexcept nogil:
    cdef uint64_t value = 0
    cdef int i
    for i in range(n):
        value = value * 10 + digits[i]
    return value


cdef inline uint64_t _mix(uint64_t value) noexcept nogil:
    """Spread neighbouring numbers over the table."""
    value ^= value >> 33
    value *= <uint64_t>0xff51afd7ed558ccd
    value ^= value >> 33
    return value


def _check(condition, what):
    if not condition:
        raise ValueError(f"numbering plan: {what} is out of range")


@cython.final
cdef class Plan:
    """The tables of one plan, filled once."""

    def __cinit__(self, plan):
        self._table = <uint16_t*>PyMem_Calloc(LENGTHS * HEADS, sizeof(uint16_t))
        self._lengths = <uint16_t*>PyMem_Calloc(HEADS, sizeof(uint16_t))
        self._rules = <Rule*>PyMem_Calloc(RULES_MAX + 1, sizeof(Rule))
        if self._table == NULL or self._lengths == NULL or self._rules == NULL:
            raise MemoryError
        country = plan["country_code"]
        _check(country.isascii() and country.isdigit() and len(country) <= 3, "country_code")
        self.country = int(country)
        self.country_digits = len(country)
        self.carriers = ("", *plan["carriers"])
        self.rules = ("", "international")
        _check(len(self.carriers) <= 0xffff, "carriers")
        self._add_rules(plan["rules"])
        self._add_short(plan["emergency"])
        self._add_allowed(plan["allow"])
        self._add_ported(plan["ported"])

    def __dealloc__(self):
        PyMem_Free(self._table)
        PyMem_Free(self._lengths)
        PyMem_Free(self._rules)
        PyMem_Free(self._ported)
        PyMem_Free(self._ported_carrier)

    cdef _add_rules(self, rows):
        names = list(self.rules)
        for name, lengths, prefix, new, carrier, reason, converted in rows:
            index = len(names)
            _check(index <= RULES_MAX and 1 <= len(prefix) <= 4 and len(new) <= 4, name)
            _check(prefix.isascii() and prefix.isdigit(), name)
            _check(0 <= carrier < len(self.carriers) and 0 <= reason <= 0xff, name)
            names.append(name)
            self._rules[index].carrier = carrier
            self._rules[index].reason = reason
            self._set_rule(index, lengths, prefix, new, converted)
        self.rules = tuple(names)

    cdef _set_rule(self, int index, lengths, str prefix, str new, bint converted):
        cdef int length, head, kept
        cdef int step = <int>POWER[4 - len(prefix)]
        cdef int first = int(prefix) * step
        cdef Rule* rule = &self._rules[index]
        rule.converted = converted
        for length in lengths:
            _check(4 <= length < LENGTHS, prefix)
            if rule.reason == 0:
                kept = length - len(prefix)
                _check(len(lengths) == 1 and kept >= 0 and len(new) + kept >= 4, prefix)
                _check(self.country_digits + len(new) + kept <= DIGITS_MAX, prefix)
                rule.length = <uint8_t>(len(new) + kept)
                rule.modulus = POWER[kept]
                rule.base = (self.country * POWER[len(new)] + <uint64_t>int(new)) * POWER[kept]
            for head in range(first, first + step):
                self._table[length * HEADS + head] = <uint16_t>index
                self._lengths[head] |= <uint16_t>(1 << length)

    cdef _add_short(self, rows):
        _check(len(rows) <= SHORT_MAX and len(self.rules) + len(rows) <= RULES_MAX, "emergency")
        names = list(self.rules)
        for i, (number, name, reason) in enumerate(rows):
            _check(number.isdigit() and number[0] != "0" and len(number) <= 6, name)
            _check(0 < reason <= 0xff, name)
            self._short[i] = int(number)
            self._short_rule[i] = len(names)
            self._rules[len(names)].reason = reason
            names.append(name)
        self._short_count = len(rows)
        self.rules = tuple(names)

    cdef _add_allowed(self, prefixes):
        cdef int digits, i
        cdef uint64_t step
        _check(len(prefixes) <= ALLOW_MAX, "allow")
        self._allow_count = len(prefixes)
        for i, prefix in enumerate(prefixes):
            _check(prefix.isdigit() and len(prefix) <= DIGITS_MAX, "allow")
            for digits in range(DIGITS_MAX + 1):
                self._allow_low[digits][i] = 1      # an empty range
                self._allow_high[digits][i] = 0
                if digits >= len(prefix):
                    step = POWER[digits - len(prefix)]
                    self._allow_low[digits][i] = <uint64_t>int(prefix) * step
                    self._allow_high[digits][i] = self._allow_low[digits][i] + step - 1

    cdef _add_ported(self, ported):
        cdef uint64_t size = 16
        cdef uint64_t slot, value
        _check(len(ported) <= PORTED_MAX, "ported")
        if not ported:
            return
        while size < 2 * <uint64_t>len(ported):
            size *= 2
        self._ported = <uint64_t*>PyMem_Calloc(size, sizeof(uint64_t))
        self._ported_carrier = <uint16_t*>PyMem_Calloc(size, sizeof(uint16_t))
        if self._ported == NULL or self._ported_carrier == NULL:
            raise MemoryError
        self._ported_mask = size - 1
        for value, carrier in ported.items():
            _check(value > 0 and 0 < carrier < len(self.carriers), "ported")
            slot = _mix(value) & self._ported_mask
            while self._ported[slot] != 0 and self._ported[slot] != value:
                slot = (slot + 1) & self._ported_mask
            self._ported[slot] = value
            self._ported_carrier[slot] = carrier

    cdef bint national(self, const uint8_t* digits, int n, Found* found) noexcept nogil:
        cdef uint64_t value
        cdef uint16_t index
        cdef int head, i
        cdef Rule* rule
        found.reason = R_OK
        if n >= LENGTHS:
            found.reason = R_TOO_LONG
            return False
        value = number_of(digits, n)
        if n <= 6 and digits[0] != 0:
            for i in range(self._short_count):
                if self._short[i] == value:
                    found.rule = self._short_rule[i]
                    found.reason = self._rules[found.rule].reason
                    return True
        if n < 4:
            found.reason = R_TOO_SHORT
            return False
        head = <int>number_of(digits, 4)
        index = self._table[n * HEADS + head]
        if index == 0:
            if self._lengths[head] == 0:
                found.reason = R_PREFIX
            else:
                found.reason = R_TOO_SHORT if self._lengths[head] >> n else R_TOO_LONG
            return False
        rule = &self._rules[index]
        found.rule = index
        found.reason = rule.reason
        if rule.reason:
            return True
        value = rule.base + value % rule.modulus
        if rule.converted:
            # The carrier is that of the number of today: it must not depend on how it was written.
            n = rule.length
            head = <int>(value % POWER[n] // POWER[n - 4])
            rule = &self._rules[self._table[n * HEADS + head]]
            if rule.modulus == 0 or rule.converted:
                # 04 00... would become 024 00..., which is an old number of 0240.
                found.rule = 0
                found.reason = R_PREFIX
                return False
            found.converted = True
        found.value = value
        found.carrier = rule.carrier
        return True

    cdef bint starts_country(self, const uint8_t* digits, int n) noexcept nogil:
        cdef int k = self.country_digits
        return n > k and number_of(digits, k) == self.country

    cdef bint allowed(self, uint64_t value) noexcept nogil:
        cdef int n = 1
        cdef int i
        while n < DIGITS_MAX and value >= POWER[n]:
            n += 1
        for i in range(self._allow_count):
            if self._allow_low[n][i] <= value <= self._allow_high[n][i]:
                return True
        return False

    cdef int ported(self, uint64_t value) noexcept nogil:
        cdef uint64_t slot
        if self._ported_mask == 0:
            return 0
        slot = _mix(value) & self._ported_mask
        while self._ported[slot] != 0:
            if self._ported[slot] == value:
                return self._ported_carrier[slot]
            slot = (slot + 1) & self._ported_mask
        return 0
