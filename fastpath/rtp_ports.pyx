# cython: auto_pickle=False, autotestdict=False
"""Which UDP port a stream gets: an even one (RFC 3550 section 11), at random.

A port that a call just gave back still hears that call's last packets, and a port that can be
guessed invites foreign ones; the latch drops both, chance makes them rare.
"""

import errno
import os

from libc.stdint cimport uint32_t

from fastpath.rtp_host cimport Host, host_of
from fastpath.rtp_limits cimport SOCKET_BUFFER_BYTES
from fastpath.rtp_os cimport EADDRINUSE, random_bytes, udp_open


cdef int bind_even(str host, int port_low, int port_high, int *port) except -1:
    """A socket bound to a free even port of the range, tried from a random one on."""
    cdef Host address = host_of(host)
    cdef uint32_t chance = 0
    cdef int first = port_low + (port_low & 1), count, i, fd
    count = (port_high - first) // 2 + 1
    if not 0 < port_low <= port_high < 65536 or first > port_high:
        raise ValueError(f"no even port in {port_low}-{port_high}")
    if random_bytes(&chance, sizeof(chance)):
        raise OSError(errno.EIO, "no random numbers")
    for i in range(count):
        port[0] = first + 2 * <int> ((chance % <uint32_t> count + <uint32_t> i) % <uint32_t> count)
        fd = udp_open(":" in host, address, port[0], SOCKET_BUFFER_BYTES)
        if fd >= 0:
            return fd
        if fd != -EADDRINUSE:
            raise OSError(-fd, f"cannot open RTP port {host}:{port[0]}: {os.strerror(-fd)}")
    raise OSError(errno.EADDRINUSE, f"no free even port in {port_low}-{port_high} on {host}")
