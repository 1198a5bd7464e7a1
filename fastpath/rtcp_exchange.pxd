"""Reports of one stream over sockets, by the media thread."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from fastpath.rtp_host cimport Host
from fastpath.rtp_loop cimport Stream, Worker

cdef int rtcp_open(Stream *s) noexcept nogil
cdef void rtcp_heard(
    Stream *s,
    const uint8_t *data,
    int size,
    Host address,
    uint16_t port,
    int64_t at_ns,
    int64_t wall_ns,
) noexcept nogil
cdef void rtcp_serve(
    Worker *w, Stream *s, uint32_t frame, int64_t due_ns, int64_t wall_ns
) noexcept nogil
cdef void rtcp_goodbye(const Worker *w, Stream *s) noexcept nogil
