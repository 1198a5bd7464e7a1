"""The media engine as Python sees it: commands on streams, each of which holds its stream."""

from fastpath.rtp_parties cimport PartyEngine


cdef class MediaEngine(PartyEngine):
    pass
