"""The table of streams and the threads that serve it. The hot path is in rtp_loop."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from fastpath.rtp_loop cimport Stream, Worker
from fastpath.rtp_prompts cimport Prompts


cdef class StreamEngine:
    cdef Worker *workers
    cdef Stream *streams  # threads * SLOTS * slot_capacity
    cdef uint8_t *gates
    cdef Prompts prompts
    cdef list free_entries  # for each worker and slot: a stack of entries
    cdef int thread_count
    cdef int priority
    cdef int streams_max
    cdef int streams_open
    cdef int table
    cdef int slot_capacity
    cdef int wake_fd
    cdef int running
    cdef int owner_pid
    cdef int fifo_refused
    cdef uint8_t woken
    cdef int64_t opened
    cdef uint64_t held_waits

    cdef Stream *hold(self, int64_t stream) except NULL
    cdef Stream *seat(self, int fd, int group) except NULL
    cdef int group_beside(self, int64_t near) except -1
    cdef void let_go(self, Stream *s) noexcept
    cdef object shut(self, Stream *s)
    cdef void halt(self) noexcept
