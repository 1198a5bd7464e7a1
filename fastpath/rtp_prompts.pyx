# cython: auto_pickle=False, autotestdict=False
"""Prompts: audio encoded once and shared by all calls that play it."""

import errno

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from fastpath.atomics cimport geti32
from fastpath.rtp_limits cimport CHAIN_MAX, FRAME_BYTES, FRAME_MS, PROMPT_FRAMES_MAX


cdef int prompt_fill(Prompt *p, const uint8_t[::1] pcmu, const uint8_t[::1] pcma) except -1:
    """Copy a prompt, the last frame filled up with silence. ValueError when it is none."""
    cdef Py_ssize_t size = pcmu.shape[0]
    cdef Py_ssize_t room = (size + FRAME_BYTES - 1) // FRAME_BYTES * FRAME_BYTES
    if size == 0 or size != pcma.shape[0]:
        raise ValueError(
            f"a prompt has audio, as long in PCMU ({size}) as in PCMA ({pcma.shape[0]})"
        )
    if room > <Py_ssize_t> PROMPT_FRAMES_MAX * FRAME_BYTES:
        raise ValueError(f"a prompt has at most {PROMPT_FRAMES_MAX * FRAME_MS // 60_000} minutes")
    p.pcmu = <uint8_t *> malloc(<size_t> room)
    p.pcma = <uint8_t *> malloc(<size_t> room)
    if p.pcmu == NULL or p.pcma == NULL:
        prompt_free(p)
        raise MemoryError
    memset(p.pcmu + size, SILENCE_PCMU, <size_t> (room - size))
    memset(p.pcma + size, SILENCE_PCMA, <size_t> (room - size))
    memcpy(p.pcmu, &pcmu[0], <size_t> size)
    memcpy(p.pcma, &pcma[0], <size_t> size)
    p.frames = <uint32_t> (room // FRAME_BYTES)
    p.users = 0
    p.dead = 0
    return 0


cdef void prompt_free(Prompt *p) noexcept nogil:
    free(p.pcmu)
    free(p.pcma)
    memset(p, 0, sizeof(Prompt))


cdef class Prompts:
    """The engine's prompts, by an id that is never used twice."""

    def __cinit__(self):
        self.index = {}

    def __dealloc__(self):
        cdef int i
        for i in range(PROMPTS_MAX):
            prompt_free(&self.entries[i])

    cdef int64_t add(self, const uint8_t[::1] pcmu, const uint8_t[::1] pcma) except -1:
        cdef int i
        self.sweep()
        for i in range(PROMPTS_MAX):
            if self.entries[i].id == 0:
                break
        else:
            raise OSError(errno.ENOBUFS, f"the media engine holds its {PROMPTS_MAX} prompts")
        prompt_fill(&self.entries[i], pcmu, pcma)
        self.added += 1
        self.entries[i].id = self.added
        self.index[self.added] = i
        return self.added

    cdef int remove(self, int64_t prompt) except -1:
        """Forget a prompt; its memory goes when nobody plays it any more."""
        self.find(prompt).dead = 1
        del self.index[prompt]
        self.sweep()
        return 0

    cdef Prompt *find(self, int64_t prompt) except NULL:
        cdef int i
        if prompt not in self.index:
            raise KeyError(f"no such prompt: {prompt}")
        i = self.index[prompt]
        return &self.entries[i]

    cdef const Chain *chain(self, object prompts) except NULL:
        """One prompt or several as a chain, good until the next call. KeyError, ValueError."""
        cdef int i, count
        several = (prompts,) if isinstance(prompts, int) else tuple(prompts)
        if not 1 <= len(several) <= CHAIN_MAX:
            raise ValueError(f"one to {CHAIN_MAX} prompts at a time, not {len(several)}")
        count = <int> len(several)
        for i in range(count):
            self.named.link[i] = self.find(several[i])
        self.named.count = count
        return &self.named

    cdef void sweep(self) noexcept:
        """Free what was removed and is not played."""
        cdef int i
        for i in range(PROMPTS_MAX):
            if self.entries[i].dead and geti32(&self.entries[i].users) == 0:
                prompt_free(&self.entries[i])
