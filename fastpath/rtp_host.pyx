# cython: auto_pickle=False, autotestdict=False
"""IP addresses from and to text."""

cdef enum:
    TEXT_MAX = 46  # INET6_ADDRSTRLEN


cdef Host host_of(str text) except? 0:
    """An address of either family, without a zone; ValueError otherwise."""
    cdef Host host = 0
    cdef bytes read = text.encode("ascii", "replace")
    if len(read) >= TEXT_MAX or b"\0" in read or not host_read(read, &host):
        raise ValueError(f"not an IP address: {text[:64]!r}")
    return host


cdef str host_text(Host host):
    cdef char text[TEXT_MAX]
    return host_write(host, text).decode()
