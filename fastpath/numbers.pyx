# cython: auto_pickle=False, autotestdict=False
"""Phone numbers: text to a dialable `Number`, by a compiled numbering plan.

A text is read in two steps. The scan splits it into groups of digits (separators may stand inside a group, any other
character ends it) and refuses what could carry a second number into a dial string. The one long group is then
resolved against the plan: a table of [length of the national significant number][its first four digits] -> rule.
The rules of reading are in docs/numbering.md, the plan in conf/numbering/vn.toml, a slow twin in
tests/reference/numbers.py.
"""

from array import array
from typing import NamedTuple

cimport cython
from cpython cimport array as carray
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset


cdef extern from "Python.h":
    int PyUnicode_KIND(object text) noexcept
    void* PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept
    int Py_UNICODE_ISDIGIT(uint32_t c) noexcept nogil
    object PySequence_Fast(object texts, const char* message)
    Py_ssize_t PySequence_Fast_GET_SIZE(object fast) noexcept
    PyObject** PySequence_Fast_ITEMS(object fast) noexcept


cdef enum:
    TEXT_MAX = 65536        # characters of a text that are looked at; a longer one is refused
    BUFFER = 18             # digits kept of a group: 00 + 15, and one to tell that there were more
    LONG_MIN = 7            # a group of so many digits can be a number; shorter ones are text around it
    RULES_MAX = 4095
    PORTED_MAX = 4000000

# High bits of a rule code.
cdef enum:
    RULE_BASE = 0x0fff
    RULE_ZERO = 0x1000
    RULE_PORTED = 0x2000

# What a character is to the scan.
cdef enum:
    C_OTHER = 0
    C_DIGIT = 1
    C_PLUS = 2
    C_SEPARATOR = 3
    C_MARK = 4              # pauses and separators of dial strings: an error between digits
    C_STAR = 5              # * and #: an error beside a digit
    C_EXPONENT = 6
    C_CONTROL = 7
    C_INVISIBLE = 8

# Reasons; the texts are in REASONS, in this order. Refusals of [[never]] follow behind R_FIXED.
cdef enum:
    R_OK = 0
    R_EMPTY
    R_NO_NUMBER
    R_CONTROL
    R_SCRIPT
    R_SCIENTIFIC
    R_DIAL_STRING
    R_SEVERAL
    R_TOO_SHORT
    R_TOO_LONG
    R_PREFIX
    R_AMBIGUOUS
    R_COUNTRY
    R_DESTINATION
    R_OVERSIZE
    R_NOT_TEXT
    R_FIXED

REASONS = (
    "",
    "empty: no text",
    "no_number: no phone number in the text",
    "control: a control character (line break, NUL, ...) in the text",
    "script: digits of another script",
    "scientific: written like 9.12E+08, so digits are lost; format the column as text",
    "dial_string: a pause, * or # inside the number",
    "several: more than one number in the text",
    "too_short: too few digits",
    "too_long: too many digits (two numbers in one text?)",
    "prefix: no operator or area has this prefix",
    "ambiguous: an old landline code that looks like a mobile number today",
    "country: a country code cannot start with 0",
    "destination: not in the list of allowed destinations",
    "oversize: a text of more than 65536 characters",
    "not_text: not a text",
)
assert len(REASONS) == R_FIXED


class Analysis(NamedTuple):
    """What a text turned out to be, and by which rule."""

    input: str
    e164: str | None
    national: str | None
    carrier: str | None
    rule: str | None
    dialable: bool
    reason: str | None
    converted: bool


cdef uint8_t CLASS[256]
cdef uint64_t POWER[16]


cdef void _fill_constants() noexcept:
    cdef int c
    for c in range(256):
        if c < 0x20 or 0x7f <= c < 0xa0:
            CLASS[c] = C_CONTROL
        elif c'0' <= c <= c'9':
            CLASS[c] = C_DIGIT
        else:
            CLASS[c] = C_OTHER
    CLASS[c'\t'] = C_SEPARATOR
    for c in b" .-/()[]_\xa0\xb7":
        CLASS[c] = C_SEPARATOR
    for c in b",;!@pPwWtT":
        CLASS[c] = C_MARK
    for c in b"*#":
        CLASS[c] = C_STAR
    for c in b"eE":
        CLASS[c] = C_EXPONENT
    CLASS[c'+'] = C_PLUS
    CLASS[0xad] = C_INVISIBLE
    POWER[0] = 1
    for c in range(1, 16):
        POWER[c] = POWER[c - 1] * 10


_fill_constants()


cdef int _wide_class(uint32_t c) noexcept nogil:
    """Class of a character above U+00FF."""
    if 0xff01 <= c <= 0xff5e:                       # full-width forms of ASCII
        return CLASS[c - 0xfee0]
    if c == 0x2028 or c == 0x2029:                  # line and paragraph separator
        return C_CONTROL
    if 0x200b <= c <= 0x200f or 0x202a <= c <= 0x202e or 0x2060 <= c <= 0x2069 or c == 0xfeff:
        return C_INVISIBLE                          # zero width and direction marks of contact apps
    if 0x2000 <= c <= 0x2015 or c == 0x202f or c == 0x205f or c == 0x2212 or c == 0x3000:
        return C_SEPARATOR                          # spaces, dashes, minus
    return C_OTHER


cdef struct Group:
    int count               # digits seen, also those that no longer fit
    int gaps                # places between two digits where separators stand
    int point_at            # digits before the only gap, when it is a single full stop; else 0
    bint plus
    uint8_t digits[BUFFER]


cdef struct Scan:
    Group long_one
    Group short_one
    int longs
    int shorts
    int reason


cdef inline void _close(Scan* scan, Group* group) noexcept nogil:
    """End of a group of digits: sort it, and make room for the next."""
    cdef int n = group.count
    if n == 0:
        group.plus = False
        return
    # 912345678.0: a number column that went through floating point. Such a number has no leading zero.
    if (
        group.gaps == 1 and group.point_at >= 8 and n == group.point_at + 1 and n <= BUFFER
        and not group.plus and group.digits[0] != 0 and group.digits[n - 1] == 0
    ):
        group.count = n - 1
    if n >= LONG_MIN:
        if scan.longs == 0:
            scan.long_one = group[0]
        scan.longs += 1
    else:
        if scan.shorts == 0:
            scan.short_one = group[0]
        scan.shorts += 1
    group.count = 0
    group.gaps = 0
    group.point_at = 0
    group.plus = False


ctypedef fused unit_t:
    uint8_t
    uint16_t
    uint32_t


@cython.nonecheck(False)
cdef void _scan(const unit_t* text, Py_ssize_t n, Scan* scan) noexcept nogil:
    """Groups of digits in a text, or the reason why it is refused as a whole."""
    cdef Group group
    cdef Py_ssize_t i
    cdef uint32_t c
    cdef int kind
    cdef int separators = 0         # since the last digit of the group
    cdef bint full_stop = False     # the last separator was one
    cdef bint after_digit = False   # the character before was a digit
    cdef bint marks = False         # only marks since the last digit
    cdef bint star = False          # the character before was * or #
    cdef bint seen = False
    group.count = group.gaps = group.point_at = 0
    group.plus = False
    scan.longs = scan.shorts = scan.reason = 0
    for i in range(n):
        c = text[i]
        kind = CLASS[c] if c < 256 else _wide_class(c)
        if kind == C_DIGIT:
            if marks or star:
                scan.reason = R_DIAL_STRING if scan.reason == 0 else scan.reason
            if separators and group.count:
                group.gaps += 1
                group.point_at = group.count if separators == 1 and full_stop else 0
            if group.count < BUFFER:
                group.digits[group.count] = <uint8_t>(c & 0x0f)     # also right for U+FF10..FF19
            group.count += 1
            separators = 0
            after_digit = True
            marks = star = False
            continue
        if kind == C_INVISIBLE:
            continue
        if kind == C_SEPARATOR:
            separators += 1
            full_stop = c == c'.' or c == 0xff0e
            seen = seen or not (c == c' ' or c == c'\t' or c == 0xa0)
        elif kind == C_CONTROL:
            scan.reason = R_CONTROL
            return
        else:
            seen = True
            if c > 127 and kind == C_OTHER and Py_UNICODE_ISDIGIT(c):
                scan.reason = R_SCRIPT
                return
            if kind == C_EXPONENT and after_digit and _exponent(text, i + 1, n):
                scan.reason = R_SCIENTIFIC
            if kind == C_STAR and after_digit:
                scan.reason = R_DIAL_STRING if scan.reason == 0 else scan.reason
            _close(scan, &group)
            separators = 0
            group.plus = kind == C_PLUS
        marks = kind == C_MARK and (after_digit or marks)
        star = kind == C_STAR
        after_digit = False
    _close(scan, &group)
    if scan.reason == 0 and scan.longs + scan.shorts == 0:
        scan.reason = R_NO_NUMBER if seen else R_EMPTY


cdef inline bint _exponent(const unit_t* text, Py_ssize_t i, Py_ssize_t n) noexcept nogil:
    """Whether an exponent stands at i: digits, perhaps signed."""
    if i < n and (text[i] == c'+' or text[i] == c'-'):
        i += 1
    return i < n and c'0' <= text[i] <= c'9'


# Known only to this module, so that nothing else can make a Number.
cdef object _KEY = object()


@cython.final
@cython.freelist(64)
cdef class Number:
    """A dialable number. There is no public constructor: only `Numbering` makes one."""

    def __cinit__(self, key=None):
        if key is not _KEY:
            raise TypeError("a Number is made by Numbering.number() only")

    @property
    def digits(self):
        """E.164 without the plus."""
        return str(self.value)

    @property
    def e164(self):
        """E.164 with the plus."""
        return f"+{self.value}"

    @property
    def national(self):
        """As people of the country write it: 0 and the significant number; abroad: 00 and all digits."""
        return _national_text(self.value, self._country_digits)

    def __eq__(self, other):
        if not isinstance(other, Number):
            return NotImplemented
        return self.value == (<Number>other).value

    def __hash__(self):
        return hash(self.value)

    def __repr__(self):
        return f"<Number {self.e164} {self.carrier}>" if self.carrier else f"<Number {self.e164}>"

    def __str__(self):
        return self.e164

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        raise TypeError("a Number cannot be pickled; keep its value and use Numbering.from_value()")


cdef str _national_text(uint64_t value, int country_digits):
    cdef str digits = str(value)
    return f"0{digits[country_digits:]}" if country_digits else f"00{digits}"


cdef inline uint64_t _mix(uint64_t value) noexcept nogil:
    """Spread neighbouring numbers over the table (the finaliser of MurmurHash3)."""
    value ^= value >> 33
    value *= 0xff51afd7ed558ccdULL
    value ^= value >> 33
    return value


cdef inline uint64_t _number_of(const uint8_t* digits, int n) noexcept nogil:
    cdef uint64_t value = 0
    cdef int i
    for i in range(n):
        value = value * 10 + digits[i]
    return value


@cython.final
cdef class Numbering:
    """A numbering plan compiled for speed; see `dialerd.core.numbering.load_plan` for what `plan` holds."""

    def __cinit__(self, plan):
        self._table = <uint16_t*>PyMem_Calloc(LENGTHS * HEADS, sizeof(uint16_t))
        self._lengths = <uint16_t*>PyMem_Calloc(HEADS, sizeof(uint16_t))
        self._rules = <Rule*>PyMem_Calloc(RULES_MAX + 1, sizeof(Rule))
        if self._table == NULL or self._lengths == NULL or self._rules == NULL:
            raise MemoryError
        country = plan["country_code"]
        _check(country.isascii() and country.isdigit() and len(country) <= 3, "country_code")
        self._country = int(country)
        self._country_digits = len(country)
        self.carriers = ("", *plan["carriers"])
        self.reasons = (*REASONS, *(f"{name}: {why}, never dialed" for name, why in plan["never"]))
        _check(len(self.carriers) <= 0xffff and len(self.reasons) <= 0xff, "carriers or never")
        self._add_rules(plan["rules"])
        self._add_emergency(plan["emergency"])
        self._add_allowed(plan["allow"])
        self._add_ported(plan["ported"])

    def __dealloc__(self):
        PyMem_Free(self._table)
        PyMem_Free(self._lengths)
        PyMem_Free(self._rules)
        PyMem_Free(self._ported)
        PyMem_Free(self._ported_carrier)

    cdef _add_rules(self, rows):
        names = ["", "international"]
        self._international_rule = 1
        for name, lengths, prefix, new, carrier, reason, converted in rows:
            index = len(names)
            _check(index <= RULES_MAX and 1 <= len(prefix) <= 4, name)
            _check(0 <= carrier < len(self.carriers) and 0 <= reason < len(self.reasons), name)
            names.append(name)
            self._set_rule(index, lengths, prefix, new, carrier, reason, converted)
        self.rules = tuple(names)
        self._rule_count = len(names)

    cdef _set_rule(
            self, int index, lengths, str prefix, str new, int carrier, int reason, bint converted):
        cdef int length, head, kept
        cdef int step = <int>POWER[4 - len(prefix)]
        cdef int first = int(prefix) * step
        cdef Rule* rule = &self._rules[index]
        rule.carrier = <uint16_t>carrier
        rule.reason = <uint8_t>reason
        rule.converted = converted
        for length in lengths:
            _check(4 <= length < LENGTHS, prefix)
            if reason == 0:
                kept = length - len(prefix)
                _check(len(new) + kept >= 4 and len(lengths) == 1 and self._country_digits + len(new) + kept <= DIGITS_MAX, prefix)
                rule.length = <uint8_t>(len(new) + kept)
                rule.modulus = POWER[kept]
                rule.base = (self._country * POWER[len(new)] + <uint64_t>int(new)) * POWER[kept]
            for head in range(first, first + step):
                self._table[length * HEADS + head] = <uint16_t>index
                self._lengths[head] |= <uint16_t>(1 << length)

    cdef _add_emergency(self, rows):
        _check(len(rows) <= EMERGENCY_MAX, "emergency")
        names = list(self.rules)
        for i, (number, name, reason) in enumerate(rows):
            _check(number.isdigit() and number[0] != "0" and len(number) <= 6 and reason < len(self.reasons), name)
            self._emergency[i] = int(number)
            self._emergency_rule[i] = len(names)
            self._rules[len(names)].reason = reason
            names.append(name)
        self._emergency_count = len(rows)
        self.rules = tuple(names)
        self._rule_count = len(names)

    cdef _add_allowed(self, prefixes):
        cdef int digits, i
        _check(len(prefixes) <= ALLOW_MAX, "allow")
        self._allow_count = len(prefixes)
        for i, prefix in enumerate(prefixes):
            _check(prefix.isdigit() and len(prefix) <= DIGITS_MAX, "allow")
            for digits in range(DIGITS_MAX + 1):
                self._allow_low[digits][i] = 1      # an empty range
                self._allow_high[digits][i] = 0
                if digits >= len(prefix):
                    self._allow_low[digits][i] = <uint64_t>int(prefix) * POWER[digits - len(prefix)]
                    self._allow_high[digits][i] = self._allow_low[digits][i] + POWER[digits - len(prefix)] - 1

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
            _check(value > 0 and 0 <= carrier < len(self.carriers), "ported")
            slot = _mix(value) & self._ported_mask
            while self._ported[slot] not in (0, value):
                slot = (slot + 1) & self._ported_mask
            self._ported[slot] = value
            self._ported_carrier[slot] = carrier

    def rule_name(self, int code):
        """The rule behind a code of `normalise_many`: its name in the plan, `+zero` and `+ported` where they apply."""
        cdef int base = code & RULE_BASE
        if code < 0 or base >= self._rule_count:
            raise IndexError(f"no rule has the code {code}")
        name = self.rules[base]
        if code & RULE_ZERO:
            name += "+zero"
        if code & RULE_PORTED:
            name += "+ported"
        return name

    def number(self, str text not None):
        """The dialable number in `text`; ValueError with the reason otherwise."""
        cdef Found found
        self._read(text, &found)
        if found.reason:
            raise ValueError(self.reasons[found.reason])
        return self._make(&found)

    def from_value(self, value):
        """From the store's key, checked again against plan and allow-list; ValueError with the reason otherwise."""
        cdef Found found
        cdef uint8_t digits[DIGITS_MAX]
        cdef int n, i
        cdef uint64_t rest
        if not 0 < value < 10 ** DIGITS_MAX:
            raise ValueError(REASONS[R_TOO_LONG if value > 0 else R_EMPTY])
        n = len(str(value))
        rest = value
        for i in range(n - 1, -1, -1):
            digits[i] = <uint8_t>(rest % 10)
            rest //= 10
        self._resolve(digits, n, True, &found)
        if found.reason:
            raise ValueError(self.reasons[found.reason])
        if found.value != <uint64_t>value:
            raise ValueError(f"old: {value} is not a number of today ({self.rule_name(found.rule)})")
        return self._make(&found)

    def analyse(self, str text not None):
        """Everything there is to say about a text."""
        cdef Found found
        self._read(text, &found)
        known = found.value != 0
        carrier = self.carriers[found.carrier]
        return Analysis(
            text,
            f"+{found.value}" if known else None,
            _national_text(found.value, 0 if found.foreign else self._country_digits) if known else None,
            carrier or None,
            self.rule_name(found.rule) or None,
            found.reason == R_OK,
            self.reasons[found.reason] or None,
            bool(found.converted),
        )

    def normalise_many(self, texts):
        """Arrays (values, rules, reasons, carriers) for a sequence of texts; a refused text has the value 0."""
        fast = PySequence_Fast(texts, "texts must be a sequence")
        cdef Py_ssize_t n = PySequence_Fast_GET_SIZE(fast)
        cdef Py_ssize_t i
        cdef PyObject** items = PySequence_Fast_ITEMS(fast)
        cdef carray.array values = carray.clone(_VALUES, n, zero=False)
        cdef carray.array rules = carray.clone(_CODES, n, zero=False)
        cdef carray.array reasons = carray.clone(_REASON_CODES, n, zero=False)
        cdef carray.array carriers = carray.clone(_CODES, n, zero=False)
        cdef Found found
        for i in range(n):
            if PyUnicode_Check(<object>items[i]):
                self._read(<str>items[i], &found)
            else:
                memset(&found, 0, sizeof(Found))
                found.reason = R_NOT_TEXT
            (<uint64_t*>values.data.as_voidptr)[i] = found.value if found.reason == 0 else 0
            (<uint16_t*>rules.data.as_voidptr)[i] = found.rule
            (<uint8_t*>reasons.data.as_voidptr)[i] = found.reason
            (<uint16_t*>carriers.data.as_voidptr)[i] = found.carrier
        return values, rules, reasons, carriers

    cdef void _read(self, str text, Found* found) noexcept:
        cdef Scan scan
        cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text)
        cdef void* data = PyUnicode_DATA(text)
        cdef int kind = PyUnicode_KIND(text)
        cdef Group* group
        memset(found, 0, sizeof(Found))
        if n > TEXT_MAX:
            found.reason = R_OVERSIZE
            return
        with cython.nogil:
            if kind == 1:
                _scan(<const uint8_t*>data, n, &scan)
            elif kind == 2:
                _scan(<const uint16_t*>data, n, &scan)
            else:
                _scan(<const uint32_t*>data, n, &scan)
        if scan.reason:
            found.reason = <uint8_t>scan.reason
            return
        if scan.longs > 1:
            found.reason = R_SEVERAL
            return
        if scan.longs == 0 and scan.shorts > 1:
            found.reason = R_TOO_SHORT
            return
        group = &scan.long_one if scan.longs else &scan.short_one
        if group.count >= BUFFER:
            found.reason = R_TOO_LONG
            return
        self._resolve(group.digits, group.count, group.plus, found)

    cdef void _resolve(
            self, const uint8_t* digits, int n, bint plus, Found* found) noexcept nogil:
        """The digits of one group: find out how the country is written, then what the national part is."""
        cdef int reason
        memset(found, 0, sizeof(Found))
        if plus:
            self._international(digits, n, found)
        elif n >= 2 and digits[0] == 0 and digits[1] == 0:
            self._international(digits + 2, n - 2, found)
        elif digits[0] == 0:
            self._national(digits + 1, n - 1, found)
        elif n > 10 and self._starts_country(digits, n):
            # No national number has more than 10 digits behind its 0.
            self._international(digits, n, found)
        elif self._national(digits, n, found):
            if found.reason == R_OK:
                found.rule |= RULE_ZERO         # a spreadsheet took the leading 0
        elif self._starts_country(digits, n):
            # Too short for any number of the plan, so only [[never]] can match; else the first reason stands.
            reason = found.reason
            self._international(digits, n, found)
            if found.rule == 0:
                found.reason = <uint8_t>reason
        if found.value == 0:
            return
        if self._ported_mask:
            reason = self._find_ported(found.value)
            if reason:
                found.carrier = <uint16_t>reason
                found.rule |= RULE_PORTED
        if found.reason == R_OK and not self._allowed(found.value):
            found.reason = R_DESTINATION

    cdef bint _starts_country(self, const uint8_t* digits, int n) noexcept nogil:
        return n > self._country_digits and _number_of(digits, self._country_digits) == self._country

    cdef void _international(
            self, const uint8_t* digits, int n, Found* found) noexcept nogil:
        """Digits behind a plus or 00, or that begin with the country's own code."""
        if n == 0:
            found.reason = R_TOO_SHORT
        elif digits[0] == 0:
            found.reason = R_COUNTRY
        elif self._starts_country(digits, n):
            digits += self._country_digits
            n -= self._country_digits
            if digits[0] == 0:                  # +84 (0) 912 ...
                digits += 1
                n -= 1
            self._national(digits, n, found)
        elif n < LONG_MIN:
            found.reason = R_TOO_SHORT
        elif n > DIGITS_MAX:
            found.reason = R_TOO_LONG
        else:
            found.value = _number_of(digits, n)
            found.foreign = True
            found.rule = self._international_rule

    cdef bint _national(
            self, const uint8_t* digits, int n, Found* found) noexcept nogil:
        """A national significant number against the plan; False when no rule knows it."""
        cdef uint64_t value
        cdef uint16_t index
        cdef int head, i
        cdef Rule* rule
        found.reason = R_OK
        if n >= LENGTHS:
            found.reason = R_TOO_LONG
            return False
        value = _number_of(digits, n)
        if n <= 6:
            for i in range(self._emergency_count):
                if self._emergency[i] == value and digits[0] != 0:
                    found.rule = self._emergency_rule[i]
                    found.reason = self._rules[found.rule].reason
                    return True
        if n < 4:
            found.reason = R_TOO_SHORT
            return False
        head = <int>_number_of(digits, 4)
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
        found.value = rule.base + value % rule.modulus
        found.converted = rule.converted
        if rule.converted:
            # The carrier of the number of today, so that it does not depend on how the number was written.
            n = rule.length
            head = <int>(found.value % POWER[n] // POWER[n - 4])
            rule = &self._rules[self._table[n * HEADS + head]]
        found.carrier = rule.carrier
        return True

    cdef bint _allowed(self, uint64_t value) noexcept nogil:
        cdef int n = 1
        cdef int i
        while n < DIGITS_MAX and value >= POWER[n]:
            n += 1
        for i in range(self._allow_count):
            if self._allow_low[n][i] <= value <= self._allow_high[n][i]:
                return True
        return False

    cdef int _find_ported(self, uint64_t value) noexcept nogil:
        """The carrier in the override table, 0 when there is none."""
        cdef uint64_t slot = _mix(value) & self._ported_mask
        while self._ported[slot] != 0:
            if self._ported[slot] == value:
                return self._ported_carrier[slot]
            slot = (slot + 1) & self._ported_mask
        return 0

    cdef Number _make(self, const Found* found):
        cdef Number number = Number.__new__(Number, _KEY)
        number.value = found.value
        number.carrier = self.carriers[found.carrier]
        number._country_digits = 0 if found.foreign else <uint8_t>self._country_digits
        return number


cdef carray.array _VALUES = array("Q")
cdef carray.array _CODES = array("H")
cdef carray.array _REASON_CODES = array("B")


def _check(condition, what):
    if not condition:
        raise ValueError(f"numbering plan: {what} is out of range")
