"""SRTP of one stream of the media engine: both directions, and their change of keys."""

from fastpath.srtp_keys cimport Keys
from fastpath.srtp_open cimport Opener
from fastpath.srtp_seal cimport Sealer

cdef struct Srtp:
    Sealer sealer
    Opener opener

cdef void srtp_free(Srtp *srtp) noexcept nogil


cdef class KeyPair:  # keys of both directions; what it holds at its end is forgotten
    cdef Keys sending
    cdef Keys receiving
    cdef void swap(self, Srtp *srtp) noexcept
