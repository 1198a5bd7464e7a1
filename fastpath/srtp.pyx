# cython: auto_pickle=False, autotestdict=False
"""SRTP of one stream of the media engine: both directions, and their change of keys."""

from libc.stdlib cimport free

from fastpath.srtp_keys cimport Keys, srtp_forget, srtp_keys
from fastpath.srtp_open cimport srtp_rekey


cdef void srtp_free(Srtp *srtp) noexcept nogil:
    if srtp != NULL:
        srtp_forget(&srtp.sealer.keys)
        srtp_forget(&srtp.opener.keys)
        free(srtp)


cdef class KeyPair:
    """Keys of both directions, made before a stream is held and forgotten after."""

    def __cinit__(self, sending, receiving):
        srtp_keys(&self.sending, sending, 0)
        srtp_keys(&self.receiving, receiving, 1)

    def __dealloc__(self):
        srtp_forget(&self.sending)
        srtp_forget(&self.receiving)

    cdef void swap(self, Srtp *srtp) noexcept:
        """Give a stream these keys and take those it had."""
        cdef Keys before = srtp.sealer.keys
        srtp.sealer.keys = self.sending
        self.sending = before
        before = srtp.opener.keys
        srtp_rekey(&srtp.opener, &self.receiving)
        self.receiving = before
