"""Which UDP port a stream gets."""

cdef int bind_even(str host, int port_low, int port_high, int *port) except -1
