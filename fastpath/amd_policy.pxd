"""What the odds of a machine, and the time that has passed, are good for."""

from libc.stdint cimport uint8_t

from fastpath.amd cimport AMD_QUIET, ANSWER_HUMAN, ANSWER_MACHINE, ANSWER_NONE, Amd
from fastpath.amd_forest cimport Policy
from fastpath.amd_voice cimport PITCHED_LEAST


cdef inline int may_answer(const Amd *a, const Policy *p) noexcept nogil:
    """Whether there are odds that would be good for an answer now."""
    cdef int end = a.run.end if a.counted else a.known.last_end
    cdef int silence = a.frame - end, since = a.frame - a.known.first
    if since > p.machine_after and a.pitched >= PITCHED_LEAST:
        return 1
    if since < p.human_after:
        return 0
    return silence >= (p.silence_min if end - a.known.first <= p.word else p.office_min)


cdef inline uint8_t answer_of(const Amd *a, const Policy *p) noexcept nogil:
    """What the odds of now are good for. A word is not waited for as long as a greeting."""
    cdef int end = a.run.end if a.counted else a.known.last_end
    cdef int span = end - a.known.first, silence = a.frame - end, since = span + silence, wait
    cdef int word = span <= p.word
    if a.odds >= p.machine_above and since > p.machine_after and a.pitched >= PITCHED_LEAST:
        return ANSWER_MACHINE
    if silence < (p.silence_min if word else p.office_min) or since < p.human_after:
        return ANSWER_NONE
    if silence >= AMD_QUIET:
        return ANSWER_HUMAN
    wait = max(p.word_wait, p.word_by - span) if word else p.office_wait
    if a.odds <= (p.human_below_late if silence >= wait else p.human_below):
        return ANSWER_HUMAN
    return ANSWER_NONE


cdef inline int talks_on(const Amd *a, const Policy *p) noexcept nogil:
    """Whether what was taken for a person has talked on as a machine does."""
    cdef int end = a.run.end if a.counted else a.known.last_end
    cdef int voiced = a.known.voiced + (a.run.end - a.run.begin if a.counted else 0)
    cdef int pause = a.known.longest_pause
    if end - a.known.first < p.revise_span:
        return 0
    if pause <= p.revise_pause:
        return voiced >= p.revise_voice
    return pause <= p.revise_late_pause and voiced >= p.revise_late_voice
