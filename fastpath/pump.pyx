# cython: auto_pickle=False, autotestdict=False
"""A frame is written in every period, silence when there is nothing: a modem that runs dry clicks,
and some fall out of their audio mode.

    the device takes all      ->  it holds 80 ms ahead of what it plays
    it takes a part           ->  the rest waits, in order; 200 ms at most, then frames are dropped
    we were late              ->  what it should have played by now is more than it got: one
                                  underrun, and 80 ms of silence ahead again
    it gives bytes in pieces  ->  whole frames are heard, the rest waits for the next read
    it gives too much         ->  160 ms are heard in one period, and the rest waits in the device
    it is gone                ->  told once; nothing is read or written any more
"""

from libc.stdint cimport int16_t
from libc.stdlib cimport calloc
from libc.string cimport memcpy, memmove, memset

from fastpath.g711 cimport alaw_linear, linear_alaw, linear_ulaw, ulaw_linear
from fastpath.rtp_bins cimport bin_of
from fastpath.rtp_limits cimport FRAME_BYTES, HEADER_BYTES, PACKET_BYTES, PAYLOAD_PCMA, PAYLOAD_PCMU
from fastpath.rtp_loop cimport (
    DEVICE_GONE, heard, said, tell, tell_digits, tell_ends, turned,
)
from fastpath.rtp_os cimport CLOCK_MONOTONIC, clock
from fastpath.rtp_prompts cimport SILENCE_PCMU
from fastpath.rtp_receive cimport Packet
from fastpath.rtp_send cimport sender_connect, sender_frame

cdef extern from *:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <poll.h>
    #include <sys/ioctl.h>
    #include <unistd.h>
    /* Bytes, 0: none now, -errno: it is gone; -EPIPE stands for the end of the file.

       A read of a terminal that has nothing waits for the kernel's worker, which may be as late as
       any ordinary task: so it is asked first. What has ended and says 0 is found by writing. */
    static inline int dl_device_read(int fd, uint8_t *into, int room) {
        struct pollfd state = {fd, 0, 0};
        int waiting = 1;
        ssize_t n;
        if (ioctl(fd, FIONREAD, &waiting) == 0 && waiting <= 0)
            return 0;
        n = read(fd, into, (size_t) room);
        if (n > 0)
            return (int) n;
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        /* nothing: with VMIN 0 that is no end */
        return poll(&state, 1, 0) > 0 && state.revents & (POLLHUP | POLLERR) ? -EPIPE : 0;
    }
    static inline int dl_device_write(int fd, const uint8_t *data, int size) {
        ssize_t n = write(fd, data, (size_t) size);
        if (n >= 0)
            return (int) n;
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    /* A descriptor of our own for an open device, or -errno. */
    static inline int dl_device_open(int fd) {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 0), flags;
        if (own < 0)
            return -errno;
        flags = fcntl(own, F_GETFL);
        if (flags >= 0 && fcntl(own, F_SETFL, flags | O_NONBLOCK) == 0)
            return own;
        flags = errno;
        close(own);
        return -flags;
    }
    """
    int read_some "dl_device_read"(int fd, uint8_t *into, int room) noexcept nogil
    int write_some "dl_device_write"(int fd, const uint8_t *data, int size) noexcept nogil
    int open_own "dl_device_open"(int fd) noexcept nogil

cdef enum:
    BYTES_PER_MS = 16
    MS_NS = 1000000
    PERIOD_NS = 20000000


cdef int device_open(int fd) noexcept nogil:
    """A descriptor of our own, which never blocks; -errno."""
    return open_own(fd)


cdef void take(Pump *p, int fd) noexcept nogil:
    """Behind what waits, whatever the device has; READ_FRAMES at most. One call says it all."""
    cdef int size
    p.in_count -= p.in_first
    memmove(&p.in_bytes[0], &p.in_bytes[p.in_first], <size_t> p.in_count)
    p.in_first = 0
    size = read_some(fd, &p.in_bytes[p.in_count], DEVICE_FRAME * READ_FRAMES - p.in_count)
    if size < 0:
        p.gone = -size
    else:
        p.in_count += size


cdef int pump_frame(Pump *p, uint8_t law, uint8_t *audio) noexcept nogil:
    """The next frame heard, as FRAME_BYTES of `law`; 0 when there is no whole one."""
    cdef const uint8_t *table = &linear_alaw[0] if law == PAYLOAD_PCMA else &linear_ulaw[0]
    cdef const uint8_t *samples = &p.in_bytes[p.in_first]
    cdef int i
    if p.in_count - p.in_first < DEVICE_FRAME:
        return 0
    p.in_first += DEVICE_FRAME
    p.frames_in += 1
    for i in range(FRAME_BYTES):
        audio[i] = table[<uint16_t> (samples[2 * i] | (samples[2 * i + 1] << 8))]
    return 1


cdef void push(Pump *p, const uint8_t *frame) noexcept nogil:
    """Let a frame wait for the device; NULL is silence."""
    if p.out_count + DEVICE_FRAME > DEVICE_FRAME * WAITING_FRAMES:
        p.dropped += 1
        return
    if frame == NULL:
        memset(&p.out_bytes[p.out_count], 0, DEVICE_FRAME)
    else:
        memcpy(&p.out_bytes[p.out_count], frame, DEVICE_FRAME)
    p.out_count += DEVICE_FRAME
    p.written += DEVICE_FRAME
    p.frames_out += 1


cdef void pump_write(
    Pump *p, int fd, uint8_t law, const uint8_t *audio, int64_t now_ns
) noexcept nogil:
    """Say FRAME_BYTES of `law`, or silence when `audio` is NULL."""
    cdef const int16_t *linear = &alaw_linear[0] if law == PAYLOAD_PCMA else &ulaw_linear[0]
    cdef uint8_t frame[DEVICE_FRAME]
    cdef int i, size
    cdef int64_t played
    if p.gone:
        return
    played = (now_ns - p.begun_ns) // MS_NS * BYTES_PER_MS
    if p.written == 0 or played > p.written:
        if p.written:
            p.underruns += 1
        p.begun_ns = now_ns
        p.written = 0
        p.out_count %= 2  # what waited is late by now, but for the rest of a sample half taken
        for _ in range(PREFILL_FRAMES):
            push(p, NULL)
    if audio != NULL:
        for i in range(FRAME_BYTES):
            frame[2 * i] = <uint8_t> linear[audio[i]]
            frame[2 * i + 1] = <uint8_t> (<uint16_t> linear[audio[i]] >> 8)
    push(p, &frame[0] if audio != NULL else NULL)
    size = write_some(fd, &p.out_bytes[0], p.out_count)
    if size < 0:
        p.gone = -size
        return
    p.out_count -= size
    memmove(&p.out_bytes[0], &p.out_bytes[size], <size_t> p.out_count)


# ---- as a stream

cdef void hear(Worker *w, Stream *s, Pump *p, int64_t now_ns) noexcept nogil:
    """What the device gives, as packets in their order."""
    cdef uint8_t audio[FRAME_BYTES]
    cdef Packet packet
    memset(&packet, 0, sizeof(packet))
    packet.payload_bytes = FRAME_BYTES
    packet.payload_type = s.sender.payload_type
    take(p, s.fd)
    w.budget_spent += <uint64_t> (p.in_count == DEVICE_FRAME * READ_FRAMES)
    while pump_frame(p, s.sender.payload_type, &audio[0]):
        packet.seq = <uint16_t> p.frames_in
        packet.timestamp = <uint32_t> p.frames_in * FRAME_BYTES
        s.receiver.received += 1
        s.receiver.heard_ns = now_ns
        if s.tap_count:
            heard(s, &packet, &audio[0], now_ns)
        if s.receiver.digits:
            tell_digits(w, s)


cdef void timed(Worker *w, Stream *s, int64_t late_ns) noexcept nogil:
    """A frame is written: how late that was, counted with those of RTP."""
    w.frames += 1
    w.lateness[bin_of(late_ns)] += 1
    w.late_ns_max = max(w.late_ns_max, late_ns)
    if late_ns >= PERIOD_NS:
        s.late += 1
        w.frames_late += 1


cdef void serve(Worker *w, Stream *s, uint32_t frame, int64_t due_ns) noexcept nogil:
    """One period of a device."""
    cdef Pump *p = <Pump *> s.serve_state
    cdef uint8_t silence[FRAME_BYTES]
    cdef const uint8_t *audio = &silence[0]
    cdef int64_t now_ns = clock(CLOCK_MONOTONIC)
    if not p.gone:
        hear(w, s, p, now_ns)
        if s.tap_count:
            turned(w, s, frame, due_ns)
        sender_frame(&s.sender, frame, &w.out)
        memset(&silence[0], SILENCE_PCMU, FRAME_BYTES)
        if w.out.count and w.out.size[0] == PACKET_BYTES:
            audio = &w.out.data[0][HEADER_BYTES]
        pump_write(p, s.fd, s.sender.payload_type, audio, now_ns)
        timed(w, s, clock(CLOCK_MONOTONIC) - due_ns)
        s.sent += 1
        if s.tap_count:
            said(s, audio, FRAME_BYTES, due_ns)
        tell_ends(w, s)
    if p.gone and not p.told and tell(w, DEVICE_GONE, s.id, p.gone):
        p.told = 1


cdef int pump_start(Stream *s) noexcept:
    """Make a held stream one of the device that is its descriptor; 0 without memory."""
    s.serve_state = calloc(1, sizeof(Pump))
    if s.serve_state == NULL:
        return 0
    s.serve = serve
    sender_connect(&s.sender, PAYLOAD_PCMU, PAYLOAD_PCMU, -1, 1)
    return 1


cdef class RtpPump:
    """The saying half by itself."""

    def __cinit__(self):
        memset(&self.state, 0, sizeof(Pump))

    def say(self, int fd, const uint8_t[::1] audio not None, int64_t now_ns):
        if audio.shape[0] != FRAME_BYTES:
            raise ValueError(f"not a frame of {FRAME_BYTES} octets")
        pump_write(&self.state, fd, PAYLOAD_PCMU, &audio[0], now_ns)
        return self.state.out_count, self.state.underruns
