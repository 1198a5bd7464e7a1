# cython: auto_pickle=False, autotestdict=False
"""Who hears whom, by role, and the sums.

    hears          customer  agent  listening  whispering  barging  played
    a customer         x       x                              x
    an agent           x       x                   x          x
    a supervisor       x       x                   x          x        x

What is played to a customer is a party that hears nobody; the customer hears it by itself.

Nobody hears himself. Whoever hears nearly all is given the sum of all less the few others, so that
a room of n costs n sums; sums have 32 bits and are cut to 16 at the end.
"""

from libc.string cimport memcpy, memset

import numpy as np

ROLES = ("customer", "agent", "listening", "whispering", "barging", "played")

cdef enum:
    FRAME = 160
    EVERYBODY = (1 << ROLE_CUSTOMER) | (1 << ROLE_AGENT) | (1 << ROLE_BARGING)
    INSIDE = EVERYBODY | (1 << ROLE_WHISPERING)
    ABOVE = INSIDE | (1 << ROLE_PLAYED)

cdef extern from *:
    int popcount64 "__builtin_popcountll"(unsigned long long) noexcept nogil
    int ctz64 "__builtin_ctzll"(unsigned long long) noexcept nogil


cdef int by_role(int listener, int speaker) noexcept nogil:
    """Whether one role hears the other one: the table."""
    cdef int whom = ABOVE
    if listener == ROLE_CUSTOMER:
        whom = EVERYBODY
    elif listener == ROLE_AGENT:
        whom = INSIDE
    elif listener == ROLE_PLAYED:
        whom = 0
    return (whom >> speaker) & 1


cdef void mix_set(Mix *m, int listener, int speaker, int on) noexcept nogil:
    """One party hears another one, or does not."""
    cdef uint64_t bit = <uint64_t> 1 << speaker
    if on and listener != speaker:
        m.hears[listener] |= bit
    else:
        m.hears[listener] &= ~bit


cdef void mix_enter(Mix *m, int party, int role) noexcept nogil:
    """A party comes, or changes its role."""
    cdef int other
    mix_leave(m, party)
    m.role[party] = <uint8_t> role
    for other in range(PARTIES_MAX):
        if (m.present >> other) & 1:
            mix_set(m, party, other, by_role(role, m.role[other]))
            mix_set(m, other, party, by_role(m.role[other], role))
    m.present |= <uint64_t> 1 << party


cdef void mix_leave(Mix *m, int party) noexcept nogil:
    """A party goes."""
    cdef int other
    for other in range(PARTIES_MAX):
        mix_set(m, other, party, 0)
    m.hears[party] = 0
    m.present &= ~(<uint64_t> 1 << party)


cdef void add(int32_t *total, const int16_t *frame, int sign) noexcept nogil:
    cdef int i
    if sign > 0:
        for i in range(FRAME):
            total[i] += frame[i]
    else:
        for i in range(FRAME):
            total[i] -= frame[i]


cdef void add_all(int32_t *total, const int16_t *frames, uint64_t parties, int sign) noexcept nogil:
    while parties:
        add(total, frames + ctz64(parties) * FRAME, sign)
        parties &= parties - 1


cdef int mix_sum(const int16_t *frames, int32_t *total, uint64_t speaking) noexcept nogil:
    """The sum of all who speak; how many that are."""
    memset(total, 0, FRAME * sizeof(int32_t))
    add_all(total, frames, speaking, 1)
    return popcount64(speaking)


cdef int mix_frame(
    const Mix *m, int party, const int16_t *frames, const int32_t *total, uint64_t speaking,
    int16_t *out,
) noexcept nogil:
    """What one party hears; how many speak to it."""
    cdef int32_t sum[FRAME]
    cdef uint64_t heard = m.hears[party] & speaking, rest = speaking & ~heard
    cdef int i, count = popcount64(heard)
    if count == 0:
        memset(out, 0, FRAME * sizeof(int16_t))
        return 0
    if count == 1:
        memcpy(out, frames + ctz64(heard) * FRAME, FRAME * sizeof(int16_t))
        return 1
    if popcount64(rest) < count:
        memcpy(&sum[0], total, sizeof(sum))
        add_all(&sum[0], frames, rest, -1)
    else:
        memset(&sum[0], 0, sizeof(sum))
        add_all(&sum[0], frames, heard, 1)
    for i in range(FRAME):
        out[i] = <int16_t> min(max(sum[i], -32768), 32767)
    return count


cdef class RtpMix:
    """The table of one room by itself."""

    def __cinit__(self):
        memset(&self.state, 0, sizeof(Mix))

    cdef int party(self, int party) except -1:
        if not 0 <= party < PARTIES_MAX:
            raise ValueError(f"not a party: {party}")
        return party

    def enter(self, int party, str role):
        mix_enter(&self.state, self.party(party), ROLES.index(role))

    def leave(self, int party):
        mix_leave(&self.state, self.party(party))

    def let(self, int listener, int speaker, bint hears):
        mix_set(&self.state, self.party(listener), self.party(speaker), hears)

    def hears(self, int party):
        cdef uint64_t mask = self.state.hears[self.party(party)]
        return {i for i in range(PARTIES_MAX) if (mask >> i) & 1}

    def mix(self, const int16_t[:, ::1] frames not None, uint64_t speaking, int party):
        cdef int32_t total[FRAME]
        out = np.empty(FRAME, np.int16)
        cdef int16_t[::1] into = out
        if frames.shape[0] != PARTIES_MAX or frames.shape[1] != FRAME:
            raise ValueError("frames are 64 x 160 samples")
        mix_sum(&frames[0, 0], &total[0], speaking)
        mix_frame(
            &self.state, self.party(party), &frames[0, 0], &total[0], speaking, &into[0]
        )
        return out
