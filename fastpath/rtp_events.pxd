"""What the media threads tell, made into Python objects."""

from fastpath.rtp_loop cimport Worker

cdef list events_take(Worker *workers, int count)
