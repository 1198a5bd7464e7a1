"""Where a new stream goes, among the threads and their slots."""

from fastpath.rtp_loop cimport Worker

cdef int emptiest(const Worker *workers, int count) noexcept nogil
cdef int beside(const Worker *w, int slot) noexcept nogil
