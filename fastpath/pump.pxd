"""Audio of a modem: 16-bit little-endian PCM at 8 kHz over a serial device, 320 bytes every 20 ms.

Inside it is G.711 like every other stream, so that prompts, keys and recordings work as they do on
RTP. Nothing here waits or allocates, but for pump_start.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_loop cimport Stream, Worker

cdef enum:
    DEVICE_FRAME = 320  # bytes
    PREFILL_FRAMES = 4  # 80 ms of silence ahead: how late a media thread may be
    WAITING_FRAMES = 10  # not taken by the device yet; what comes on top is dropped
    READ_FRAMES = 8  # taken from the device in one period, by one call

cdef struct Pump:
    int gone  # errno with which the device went; 0: it is there
    uint8_t told
    # heard
    int in_first  # the next frame's place
    int in_count  # bytes, up to the end of what was read
    uint8_t in_bytes[DEVICE_FRAME * READ_FRAMES]
    uint64_t frames_in
    # said
    int out_count
    uint8_t out_bytes[DEVICE_FRAME * WAITING_FRAMES]
    int64_t begun_ns
    int64_t written  # bytes since begun_ns, those that wait too
    uint64_t frames_out
    uint64_t underruns  # times that the device must have run dry
    uint64_t dropped  # frames: the device takes less than 8 kHz

cdef int pump_start(Stream *s) noexcept
cdef int device_open(int fd) noexcept nogil


cdef class RtpPump:
    cdef Pump state
