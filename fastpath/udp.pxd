"""Batched datagrams of one non-blocking IPv4 UDP socket: recvmmsg, sendmmsg, the error queue."""

from libc.stdint cimport uint32_t, uint64_t


cdef enum:
    BATCH = 64
    DATAGRAM_BYTES = 65536
    ADDRESSES = 65536  # cached addresses each way


cdef class Batch:
    cdef readonly int fd
    cdef readonly int flow  # the third element of its addresses
    cdef unsigned char* room  # BATCH datagrams
    cdef dict hosts  # (address, port) as one integer -> (host, port, flow)
    cdef dict numbers  # (host, port, flow) -> the same integer
    cdef readonly unsigned long long received
    cdef readonly unsigned long long sent
    cdef readonly unsigned long long truncated
    cdef readonly unsigned long long blocked  # the socket or the device was full: to be sent again
    cdef readonly unsigned long long failed  # datagrams given up
    cdef readonly unsigned long long receive_calls
    cdef readonly unsigned long long send_calls
    cdef bint refused  # an error waits in the error queue
    cdef object address(self, uint64_t number)
    cdef uint64_t number(self, object address) except? 0
