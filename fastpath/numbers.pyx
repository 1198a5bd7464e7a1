# cython: auto_pickle=False, autotestdict=False
"""Phone numbers: the one type that may be dialed, and the normaliser that alone can make it.

A text is scanned for the one group of digits that can be a number (`digits`), then the group is
resolved against the plan (`plan`). The rules of reading are in docs/numbering.md, the plan in
conf/numbering/vn.toml, a slow twin in tests/reference/numbers.py.
"""

from array import array
from typing import NamedTuple

cimport cython
from cpython cimport array as carray
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.string cimport memset

from fastpath.digits cimport (
    LONG_MIN, R_COUNTRY, R_DESTINATION, R_EMPTY, R_FIXED, R_NOT_TEXT, R_OK, R_TOO_LONG,
    R_TOO_SHORT, Group, scan_text,
)
from fastpath.plan cimport DIGITS_MAX, RULE_BASE, RULE_PORTED, RULE_ZERO, number_of


cdef extern from "Python.h":
    object PySequence_Fast(object texts, const char* message)
    Py_ssize_t PySequence_Fast_GET_SIZE(object fast) noexcept
    PyObject** PySequence_Fast_ITEMS(object fast) noexcept


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
if len(REASONS) != R_FIXED:
    raise AssertionError("REASONS and digits.pxd differ")

cdef carray.array _VALUES = array("Q")
cdef carray.array _CODES = array("H")
cdef carray.array _REASON_CODES = array("B")
# Known only to this module, so that nothing else can make a Number.
cdef object _KEY = object()


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
        """As people of the country write it."""
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
        raise TypeError("a Number cannot be pickled; keep its value, use Numbering.from_value()")


cdef str _national_text(uint64_t value, int country_digits):
    cdef str digits = str(value)
    return f"0{digits[country_digits:]}" if country_digits else f"00{digits}"


@cython.final
cdef class Numbering:
    """A numbering plan compiled for speed."""

    def __cinit__(self, plan):
        self._plan = Plan(plan)
        never = (f"{name}: {why}, never dialed" for name, why in plan["never"])
        self.reasons = (*REASONS, *never)
        used = {row[5] for row in plan["rules"]} | {row[2] for row in plan["emergency"]}
        if max(used, default=0) >= len(self.reasons):
            raise ValueError("numbering plan: a reason is out of range")

    @property
    def carriers(self):
        """Names by carrier index."""
        return self._plan.carriers

    @property
    def rules(self):
        """Names by rule index."""
        return self._plan.rules

    def rule_name(self, int code):
        """The rule behind a code of `normalise_many`."""
        cdef int base = code & RULE_BASE
        if not 0 <= code <= (RULE_BASE | RULE_ZERO | RULE_PORTED) or base >= len(self._plan.rules):
            raise IndexError(f"no rule has the code {code}")
        name = self._plan.rules[base]
        if code & RULE_ZERO:
            name += "+zero"
        if code & RULE_PORTED:
            name += "+ported"
        return name

    def is_conversion(self, int code):
        """Whether the rule behind a code reads an old number."""
        return bool(self._plan._rules[code & RULE_BASE].converted)

    def number(self, str text not None):
        """The dialable number in `text`; ValueError with the reason otherwise."""
        cdef Found found
        self._read(text, &found)
        if found.reason:
            raise ValueError(self.reasons[found.reason])
        return self._make(&found)

    def from_value(self, value):
        """From the store's key, checked again; ValueError with the reason otherwise."""
        cdef Found found
        cdef uint8_t digits[DIGITS_MAX]
        cdef int i
        if not 0 < value < 10 ** DIGITS_MAX:
            raise ValueError(REASONS[R_TOO_LONG if value > 0 else R_EMPTY])
        text = str(value)
        for i, digit in enumerate(text):
            digits[i] = <uint8_t>int(digit)
        self._resolve(digits, <int>len(text), True, &found)
        if found.reason:
            raise ValueError(self.reasons[found.reason])
        if found.value != <uint64_t>value:
            raise ValueError(f"old: not a number of today ({self.rule_name(found.rule)})")
        return self._make(&found)

    def analyse(self, str text not None):
        """Everything there is to say about a text."""
        cdef Found found
        cdef int country_digits
        self._read(text, &found)
        country_digits = 0 if found.foreign else self._plan.country_digits
        known = found.value != 0
        return Analysis(
            text,
            f"+{found.value}" if known else None,
            _national_text(found.value, country_digits) if known else None,
            self._plan.carriers[found.carrier] or None,
            self.rule_name(found.rule) or None,
            found.reason == R_OK,
            self.reasons[found.reason] or None,
            bool(found.converted),
        )

    def normalise_many(self, texts):
        """Arrays (values, rules, reasons, carriers) for a sequence of texts."""
        fast = PySequence_Fast(texts, "texts must be a sequence")
        cdef Py_ssize_t n = PySequence_Fast_GET_SIZE(fast)
        cdef Py_ssize_t i
        cdef PyObject** items = PySequence_Fast_ITEMS(fast)
        cdef carray.array values = carray.clone(_VALUES, n, zero=False)
        cdef carray.array rules = carray.clone(_CODES, n, zero=False)
        cdef carray.array reasons = carray.clone(_REASON_CODES, n, zero=False)
        cdef carray.array carriers = carray.clone(_CODES, n, zero=False)
        cdef uint64_t* value = <uint64_t*>values.data.as_voidptr
        cdef uint16_t* rule = <uint16_t*>rules.data.as_voidptr
        cdef uint8_t* reason = <uint8_t*>reasons.data.as_voidptr
        cdef uint16_t* carrier = <uint16_t*>carriers.data.as_voidptr
        cdef Found found
        for i in range(n):
            if PyUnicode_Check(<object>items[i]):
                self._read(<str>items[i], &found)
            else:
                memset(&found, 0, sizeof(Found))
                found.reason = R_NOT_TEXT
            value[i] = found.value if found.reason == R_OK else 0
            rule[i] = found.rule
            reason[i] = found.reason
            carrier[i] = found.carrier
        return values, rules, reasons, carriers

    cdef void _read(self, str text, Found* found) noexcept:
        cdef Group group
        cdef int reason = scan_text(text, &group)
        if reason:
            memset(found, 0, sizeof(Found))
            found.reason = <uint8_t>reason
        else:
            self._resolve(group.digits, group.count, group.plus, found)

    cdef void _resolve(self, const uint8_t* digits, int n, bint plus, Found* found) noexcept nogil:
        """The digits of one group: find out how the country is written, then ask the plan."""
        cdef int reason, carrier
        memset(found, 0, sizeof(Found))
        if plus:
            self._international(digits, n, found)
        elif n >= 2 and digits[0] == 0 and digits[1] == 0:
            self._international(digits + 2, n - 2, found)
        elif digits[0] == 0:
            self._plan.national(digits + 1, n - 1, found)
        elif n > 10 and self._plan.starts_country(digits, n):
            # No national number has more than 10 digits behind its 0.
            self._international(digits, n, found)
        elif self._plan.national(digits, n, found):
            if found.reason == R_OK:
                found.rule |= RULE_ZERO         # a spreadsheet took the leading 0
        elif self._plan.starts_country(digits, n):
            # Too short for any number of the plan: only [[never]] can match, else the first
            # reason stands.
            reason = found.reason
            self._international(digits, n, found)
            if found.rule == 0:
                found.reason = <uint8_t>reason
        if found.value == 0:
            return
        carrier = self._plan.ported(found.value)
        if carrier:
            found.carrier = <uint16_t>carrier
            found.rule |= RULE_PORTED
        if found.reason == R_OK and not self._plan.allowed(found.value):
            found.reason = R_DESTINATION

    cdef void _international(self, const uint8_t* digits, int n, Found* found) noexcept nogil:
        """Digits behind a plus or 00, or that begin with the country's own code."""
        cdef int k = self._plan.country_digits
        if n == 0:
            found.reason = R_TOO_SHORT
        elif digits[0] == 0:
            found.reason = R_COUNTRY
        elif self._plan.starts_country(digits, n):
            if digits[k] == 0:                  # +84 (0) 912 ...
                k += 1
            self._plan.national(digits + k, n - k, found)
        elif n < LONG_MIN:
            found.reason = R_TOO_SHORT
        elif n > DIGITS_MAX:
            found.reason = R_TOO_LONG
        else:
            found.value = number_of(digits, n)
            found.foreign = True
            found.rule = 1                      # "international"

    cdef Number _make(self, const Found* found):
        cdef Number number = Number.__new__(Number, _KEY)
        number.value = found.value
        number.carrier = self._plan.carriers[found.carrier]
        number._country_digits = 0 if found.foreign else <uint8_t>self._plan.country_digits
        return number
