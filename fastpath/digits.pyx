# cython: autotestdict=False
"""The scan of a text for groups of digits: the first half of reading a phone number.

Separators may stand inside a group, any other character ends it. A text is refused as a whole for
what could carry a second number into a dial string: control characters, pauses, * and #.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t


cdef extern from "Python.h":
    int Py_UNICODE_ISDIGIT(uint32_t c) noexcept nogil
    int PyUnicode_KIND(object text) noexcept
    void* PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept


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

ctypedef fused unit_t:
    uint8_t
    uint16_t
    uint32_t


cdef struct Scan:
    Group long_one          # the first group of LONG_MIN digits or more
    Group short_one         # the first shorter one
    int longs
    int shorts
    int reason


cdef uint8_t CLASS[256]


cdef void _fill_classes() noexcept:
    cdef int c
    for c in range(256):
        CLASS[c] = C_CONTROL if c < 0x20 or 0x7f <= c < 0xa0 else C_OTHER
    for c in b"0123456789":
        CLASS[c] = C_DIGIT
    for c in b"\t .-/()[]_\xa0\xb7":
        CLASS[c] = C_SEPARATOR
    for c in b",;!@pPwWtT":
        CLASS[c] = C_MARK
    for c in b"*#":
        CLASS[c] = C_STAR
    for c in b"eE":
        CLASS[c] = C_EXPONENT
    CLASS[c'+'] = C_PLUS
    CLASS[0xad] = C_INVISIBLE       # soft hyphen


_fill_classes()


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


cdef inline int _class_of(uint32_t c) noexcept nogil:
    return CLASS[c] if c < 256 else _wide_class(c)


cdef int scan_text(str text, Group* group) noexcept:
    cdef Scan scan
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text)
    cdef void* data = PyUnicode_DATA(text)
    cdef int kind = PyUnicode_KIND(text)
    if n > TEXT_MAX:
        return R_OVERSIZE
    with nogil:
        if kind == 1:
            _scan(<const uint8_t*>data, n, &scan)
        elif kind == 2:
            _scan(<const uint16_t*>data, n, &scan)
        else:
            _scan(<const uint32_t*>data, n, &scan)
    if scan.reason:
        return scan.reason
    if scan.longs > 1:
        return R_SEVERAL
    if scan.longs == 0 and scan.shorts > 1:
        return R_TOO_SHORT
    group[0] = scan.long_one if scan.longs else scan.short_one
    return R_TOO_LONG if group.count >= BUFFER else R_OK


cdef void _scan(const unit_t* text, Py_ssize_t n, Scan* scan) noexcept nogil:
    cdef Group group
    cdef Py_ssize_t i
    cdef uint32_t c
    cdef int kind
    cdef int separators = 0         # since the last digit of the group
    cdef bint full_stop = False     # the last separator was one
    cdef bint after_digit = False   # the character before was a digit
    cdef bint marks = False         # nothing but marks since the last digit
    cdef bint star = False          # the character before was * or #
    cdef bint seen = False          # something that is not space
    group.count = group.gaps = group.point_at = 0
    group.plus = False
    scan.longs = scan.shorts = scan.reason = 0
    for i in range(n):
        c = text[i]
        kind = _class_of(c)
        if kind == C_DIGIT:
            if (marks or star) and scan.reason == 0:
                scan.reason = R_DIAL_STRING
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
        if kind == C_CONTROL:
            scan.reason = R_CONTROL
            return
        if kind == C_OTHER and c > 127 and Py_UNICODE_ISDIGIT(c):
            scan.reason = R_SCRIPT
            return
        if kind == C_SEPARATOR:
            separators += 1
            full_stop = c == c'.' or c == 0xff0e
            seen = seen or not (c == c' ' or c == c'\t' or c == 0xa0)
        else:
            seen = True
            if kind == C_EXPONENT and after_digit and _exponent(text, i + 1, n):
                scan.reason = R_SCIENTIFIC
            elif kind == C_STAR and after_digit and scan.reason == 0:
                scan.reason = R_DIAL_STRING
            _close(scan, &group)
            separators = 0
            group.plus = kind == C_PLUS
        marks = kind == C_MARK and (after_digit or marks)
        star = kind == C_STAR
        after_digit = False
    _close(scan, &group)
    if scan.reason == 0 and scan.longs + scan.shorts == 0:
        scan.reason = R_NO_NUMBER if seen else R_EMPTY


cdef bint _exponent(const unit_t* text, Py_ssize_t i, Py_ssize_t n) noexcept nogil:
    """Whether an exponent stands at i: digits, perhaps signed."""
    cdef uint32_t c
    cdef int kind
    cdef bint signed = False
    while i < n:
        c = text[i]
        kind = _class_of(c)
        i += 1
        if kind == C_DIGIT:
            return True
        if kind == C_INVISIBLE:
            continue
        if signed or not (kind == C_PLUS or c == c'-' or c == 0xff0d):
            return False
        signed = True
    return False


cdef inline void _close(Scan* scan, Group* group) noexcept nogil:
    """End of a group: sort it, and make room for the next."""
    cdef int n = group.count
    # 912345678.0: a number column that went through floating point, so it has no leading zero.
    if (
        group.gaps == 1 and group.point_at >= 8 and n == group.point_at + 1 and n <= BUFFER
        and not group.plus and group.digits[0] != 0 and group.digits[n - 1] == 0
    ):
        n = group.count = n - 1
    if n >= LONG_MIN:
        if scan.longs == 0:
            scan.long_one = group[0]
        scan.longs += 1
    elif n:
        if scan.shorts == 0:
            scan.short_one = group[0]
        scan.shorts += 1
    group.count = group.gaps = group.point_at = 0
    group.plus = False
