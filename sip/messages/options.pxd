"""Option tags, compiled: the types of `options.py`."""

from fastpath.sipscan cimport Message


cpdef list tags(Message message, str header)
cpdef bint supports(Message message, bytes tag) except -1
cpdef bytes unsupported(Message message)
