"""Where a new stream goes, among the threads and their slots."""

from fastpath.rtp_loop cimport Worker

cdef enum:
    GATHERED = 16  # devices in a slot, before the next one is begun

cdef int emptiest(const Worker *workers, int count) noexcept nogil
cdef int gathered(const Worker *workers, int count) noexcept nogil
cdef int beside(const Worker *w, int slot) noexcept nogil
