# The scan of a text for groups of digits: the first half of reading a phone number.

from libc.stdint cimport uint8_t


cdef enum:
    TEXT_MAX = 65536        # characters of a text that are looked at; a longer one is refused
    BUFFER = 18             # digits kept of a group: 00 + 15, and one to tell that there were more
    LONG_MIN = 7            # a group of so many digits can be a number; shorter is text around it

# Why a text is refused. The words are in numbers.REASONS, in this order; the refusals of [[never]]
# follow behind R_FIXED.
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


cdef struct Group:
    int count               # digits seen; fewer than BUFFER in the group that scan_text hands out
    int gaps                # places between two digits where separators stand
    int point_at            # digits before the only gap, when it is a single full stop; else 0
    bint plus
    uint8_t digits[BUFFER]


# The one group of `text` that can be a number, in `group`; or the reason why there is none.
cdef int scan_text(str text, Group* group) noexcept
