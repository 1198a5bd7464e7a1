"""The sizes of a pacer. Times are cut into bins so that a decision is sums over fixed tables."""

cdef enum:
    AGES = 160  # bins of a delay between dialing and what became of it: 80 s, the last is open
    AHEAD = 76  # bins that a decision looks ahead: 38 s, longer than a call rings
    LATER = 84  # and those until which an agent may come free for the last of them
    PADDED = 320  # a delay's distribution may be asked for AGES + LATER bins without a check
    HELD = 80  # bins of how long an agent talks or wraps up, each 9 % longer than the one before
    AGENTS_MAX = 20_000
    CALLS_SPARE = 64  # calls in the table beyond twice what the line cap allows
    OUTCOMES_MIN = 20  # until so many calls ended, the pacer counts as one that knows nothing
