"""What is heard on one stream: what its peer says, put in order, decoded once, for `Progress`.

Time here is the media thread's: a stream whose peer sends nothing is silent in real time, so that
"nobody said a word" is found out too. `Ear` is made by whoever holds the stream, and freed with it.
"""

from cpython.ref cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from fastpath.progress_ears cimport Progress
from fastpath.rtp_loop cimport Stream

cdef struct Ear:
    Progress progress
    PyObject *attention  # what progress.asked belongs to; NULL: keys only
    # what should come next
    uint32_t ssrc
    uint32_t timestamp
    uint16_t seq
    uint8_t anchored
    uint16_t told  # number of the sound that was told last
    uint8_t paused  # by its own word: comfort noise, the peer is silent
    # the row against time
    int64_t begun_ns
    int64_t heard  # samples since then, whatever became of them
    int64_t made_up  # of them, behind the last packet: time passed and nothing came
    # ourselves against time
    int64_t turned_ns  # when the last turn was
    int64_t stood  # samples for which we stood still: what waits for us may come yet
    int64_t excused_ns  # until then

cdef int keys_on(Stream *s) noexcept
cdef void keys_off(Stream *s) noexcept
cdef int ear_listen(Stream *s, object attention, int answered, int64_t now_ns) noexcept
cdef void ear_rest(Stream *s) noexcept
cdef void ear_settle(Stream *s) noexcept
