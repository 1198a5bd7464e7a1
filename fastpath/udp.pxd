"""Batched datagrams of one non-blocking UDP socket, IPv4 or IPv6: recvmmsg, sendmmsg, the error
queue.
"""


cdef enum:
    BATCH = 64
    DATAGRAM_BYTES = 65536
    ADDRESSES = 65536  # cached addresses each way


cdef class Batch:
    cdef readonly int fd
    cdef readonly int flow  # the third element of its addresses
    cdef readonly bint v6
    cdef int family
    cdef int host_bytes  # 4 or 16
    cdef unsigned char* room  # BATCH datagrams
    cdef dict hosts  # raw (address, port in network order) -> (host, port, flow)
    cdef dict numbers  # (host, port, flow) -> the same bytes
    cdef readonly unsigned long long received
    cdef readonly unsigned long long sent
    cdef readonly unsigned long long truncated
    cdef readonly unsigned long long blocked  # the socket or the device was full: to be sent again
    cdef readonly unsigned long long failed  # datagrams given up
    cdef readonly unsigned long long receive_calls
    cdef readonly unsigned long long send_calls
    cdef bint refused  # an error waits in the error queue
    cdef object address(self, const void* name)
    cdef bytes number(self, object address)
