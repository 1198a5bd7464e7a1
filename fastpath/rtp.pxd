"""The media engine as Python sees it: commands on streams, each of which holds its stream."""

from fastpath.rtp_engine cimport StreamEngine


cdef class MediaEngine(StreamEngine):
    pass
