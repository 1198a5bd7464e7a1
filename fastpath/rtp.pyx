"""The media engine as Python sees it. See rtp_loop.pxd for how its threads meet."""

import errno
import os
from collections import namedtuple

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from fastpath.atomics cimport add32, get8, get32, get64, geti32, pause, set8, set32, swap8
from fastpath.rtp_limits cimport (
    DIGITS_MAX,
    EVENTS_BATCH,
    EVENTS_MIN,
    FRAME_BYTES,
    HISTOGRAM_BINS,
    MS_NS,
    PAYLOAD_NOISE,
    PAYLOAD_PCMA,
    PAYLOAD_PCMU,
    RECORD_ENTRIES,
    SLOTS,
    SOCKET_BUFFER_BYTES,
    STREAMS_LIMIT,
    THREADS_MAX,
)
from fastpath.rtp_loop cimport (
    DIGIT_HEARD,
    GATE_FREE,
    GATE_HELD,
    GATE_IDLE,
    PLAY_ENDED,
    Event,
    EventRing,
    RecordEntry,
    RecordRing,
    bin_edge_us,
    event_take,
    worker_run,
)
from fastpath.rtp_os cimport (
    CLOCK_MONOTONIC,
    EADDRINUSE,
    clock,
    close_fd,
    getpid,
    pthread_join,
    random_bytes,
    sched_yield,
    thread_start,
    udp_open,
    wake,
    wake_clear,
    wake_new,
)
from fastpath.rtp_receive cimport (
    Receiver,
    ipv4,
    ipv4_text,
    receiver_connect,
    receiver_init,
    receiver_jitter_ms,
    receiver_lost,
)
from fastpath.rtp_send cimport (
    DigitIn,
    digits_of,
    prompt_fill,
    prompt_free,
    sender_connect,
    sender_digit,
    sender_init,
    sender_play,
    sender_stop,
)

DIGITS = "0123456789*#ABCD"

DigitHeard = namedtuple("DigitHeard", ("stream", "digit", "at_ns", "source"))
PlayEnded = namedtuple("PlayEnded", ("stream", "token"))
DigitsSent = namedtuple("DigitsSent", ("stream", "token"))
StreamStats = namedtuple(
    "StreamStats",
    (
        "sent", "received", "lost", "reordered", "duplicates", "stale", "jitter_ms", "foreign", "malformed",
        "other_payload", "rtcp", "early", "late", "send_errors", "receive_errors", "digits_heard", "digits_sent",
        "record_dropped", "source_changes", "heard_ns", "peer", "locked",
    ),
)
RECORD_DTYPE = [
    ("position", "<i8"),
    ("side", "u1"),
    ("payload_type", "u1"),
    ("size", "<u2"),
    ("unused", "<u4"),
    ("payload", "u1", (FRAME_BYTES,)),
]


cdef struct Counts:  # what StreamStats is made of: copied while the stream is held, so that nothing is made then
    Receiver receiver
    uint64_t sent, early, late, send_errors, receive_errors, digits_sent, record_dropped


cdef class MediaEngine:

    def __cinit__(self, *, int threads=1, int priority=10, int streams_max=4096):
        cdef Worker *w
        cdef int i, ring = EVENTS_MIN
        self.wake_fd = -1
        self.owner_pid = getpid()
        if not 1 <= threads <= THREADS_MAX:
            raise ValueError(f"threads must be between 1 and {THREADS_MAX}")
        if not 0 <= priority <= 99:
            raise ValueError("priority must be between 0 (not real-time) and 99")
        if not 1 <= streams_max <= STREAMS_LIMIT:
            raise ValueError(f"streams_max must be between 1 and {STREAMS_LIMIT}")
        self.thread_count = threads
        self.priority = priority
        self.streams_max = streams_max
        self.slot_capacity = -(-streams_max // (threads * SLOTS))
        self.table = threads * SLOTS * self.slot_capacity
        self.workers = <Worker *> calloc(threads, sizeof(Worker))
        self.streams = <Stream *> calloc(self.table, sizeof(Stream))
        self.gates = <uint8_t *> calloc(self.table, 1)
        if self.workers == NULL or self.streams == NULL or self.gates == NULL:
            raise MemoryError
        while ring < 4 * (self.table // threads):
            ring *= 2
        for i in range(threads):
            w = &self.workers[i]
            w.streams = &self.streams[i * SLOTS * self.slot_capacity]
            w.gates = &self.gates[i * SLOTS * self.slot_capacity]
            w.slot_capacity = self.slot_capacity
            w.woken = &self.woken
            w.ring.mask = ring - 1
            w.ring.entries = <Event *> calloc(ring, sizeof(Event))
            if w.ring.entries == NULL:
                raise MemoryError
        self.wake_fd = wake_new()
        if self.wake_fd < 0:
            raise OSError(-self.wake_fd, os.strerror(-self.wake_fd))
        for i in range(threads):
            self.workers[i].wake_fd = self.wake_fd
        self.prompt_index = {}
        last = self.slot_capacity - 1
        self.free_entries = [list(range(last, -1, -1)) for _ in range(threads * SLOTS)]

    def __dealloc__(self):
        cdef int i
        if self.workers != NULL:
            self.halt()
            if self.streams != NULL and self.gates != NULL:
                for i in range(self.table):
                    if self.gates[i] != GATE_FREE:
                        close_fd(self.streams[i].fd)
                        free(self.streams[i].record)
            for i in range(self.thread_count):
                free(self.workers[i].ring.entries)
        for i in range(PROMPTS_MAX):
            prompt_free(&self.prompts[i])
        if self.wake_fd >= 0:
            close_fd(self.wake_fd)
        free(self.workers)
        free(self.streams)
        free(self.gates)

    # ---- threads

    def start(self):
        cdef int i, error, refused = 0
        if self.running:
            raise RuntimeError("the media engine runs already")
        self.owner_pid = getpid()
        self.fifo_refused = 0
        for i in range(self.thread_count):
            set8(&self.workers[i].stop, 0)
            self.workers[i].retry_count = 0
            error = thread_start(
                &self.workers[i].thread, worker_run, &self.workers[i], self.priority, &refused
            )
            if error:
                self.halt()
                raise OSError(error, f"cannot start a media thread: {os.strerror(error)}")
            self.fifo_refused += refused
            self.running += 1

    def stop(self):
        cdef int i
        self.halt()
        for i in range(self.table):
            if get8(&self.gates[i]) != GATE_FREE:
                self.shut(self.hold(self.streams[i].id))

    cdef void halt(self) noexcept:
        """Stop and join the threads. After a fork they are not ours: the child has none."""
        cdef int i, count = self.running
        self.running = 0
        if self.owner_pid != getpid():
            return
        with nogil:
            for i in range(count):
                set8(&self.workers[i].stop, 1)
            for i in range(count):
                pthread_join(self.workers[i].thread, NULL)

    def fileno(self):
        return self.wake_fd

    # ---- streams

    cdef Stream *hold(self, int64_t stream) except NULL:
        """Take a stream from the media thread until let_go; KeyError when it is not open."""
        cdef uint8_t *gate
        cdef Stream *s
        cdef int tries = 0
        if stream <= 0:
            raise KeyError(f"no such stream: {stream}")
        gate = &self.gates[stream % self.table]
        while not swap8(gate, GATE_IDLE, GATE_HELD):
            if get8(gate) == GATE_FREE:
                raise KeyError(f"no such stream: {stream}")
            tries += 1
            if tries < 256:
                pause()
            else:  # the media thread lost its processor in the middle of a service
                self.held_waits += 1
                with nogil:
                    sched_yield()
        s = &self.streams[stream % self.table]
        if s.id != stream:
            self.let_go(s)
            raise KeyError(f"no such stream: {stream}")
        return s

    cdef void let_go(self, Stream *s) noexcept:
        set8(&self.gates[s - self.streams], GATE_IDLE)

    cdef int bind(self, str host, int port_low, int port_high, int *port) except -1:
        """A socket on a free even port, tried from a random one on."""
        cdef uint32_t address = ipv4(host), chance = 0
        cdef int first = port_low + (port_low & 1), count, i, fd
        count = (port_high - first) // 2 + 1
        if not 0 < port_low <= port_high < 65536 or count < 1:
            raise ValueError(f"no even port in {port_low}-{port_high}")
        if random_bytes(&chance, sizeof(chance)):
            raise OSError(errno.EIO, "no random numbers")
        for i in range(count):
            port[0] = first + 2 * ((chance % <uint32_t> count + i) % count)
            fd = udp_open(address, port[0], SOCKET_BUFFER_BYTES)
            if fd >= 0:
                return fd
            if fd != -EADDRINUSE:
                raise OSError(-fd, f"cannot open RTP port {host}:{port[0]}: {os.strerror(-fd)}")
        raise OSError(errno.EADDRINUSE, f"no free even port in {port_low}-{port_high} on {host}")

    def open(self, str host, int port_low, int port_high):
        cdef int port = 0, fd, group, entry
        cdef uint32_t chance[3]
        cdef Stream *s
        cdef Worker *w
        if self.streams_open >= self.streams_max:
            raise OSError(errno.ENOBUFS, f"the media engine carries its {self.streams_max} streams")
        fd = self.bind(host, port_low, port_high, &port)
        if random_bytes(&chance[0], sizeof(chance)):
            close_fd(fd)
            raise OSError(errno.EIO, "no random numbers")
        loads = [
            geti32(&self.workers[g // SLOTS].slot_used[g % SLOTS]) for g in range(self.thread_count * SLOTS)
        ]
        # the thread with the fewest streams, then its emptiest slot
        group = min(
            range(len(loads)),
            key=lambda g: (sum(loads[g // SLOTS * SLOTS:g // SLOTS * SLOTS + SLOTS]), loads[g]),
        )
        entry = self.free_entries[group].pop()
        w = &self.workers[group // SLOTS]
        s = &self.streams[group * self.slot_capacity + entry]
        memset(s, 0, sizeof(Stream))
        self.opened += 1
        s.id = self.opened * self.table + group * self.slot_capacity + entry
        s.fd = fd
        s.port = port
        receiver_init(&s.receiver)
        sender_init(&s.sender, chance[0], chance[1] & 0xFFFF, chance[2])
        if <uint32_t> entry + 1 > w.slot_high[group % SLOTS]:
            set32(&w.slot_high[group % SLOTS], entry + 1)
        add32(&w.slot_used[group % SLOTS], 1)
        self.streams_open += 1
        self.let_go(s)
        return s.id

    def port(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        port = s.port
        self.let_go(s)
        return port

    def close(self, int64_t stream):
        return self.shut(self.hold(stream))

    cdef object shut(self, Stream *s):
        """Free a held stream and everything it holds; its last statistics."""
        cdef int index = <int> (s - self.streams)
        cdef int group = index // self.slot_capacity
        cdef Counts counts = counts_of(s)
        sender_stop(&s.sender)
        free(s.record)
        s.record = NULL
        close_fd(s.fd)
        set8(&self.gates[index], GATE_FREE)
        add32(&self.workers[group // SLOTS].slot_used[group % SLOTS], -1)
        self.free_entries[group].append(index % self.slot_capacity)
        self.streams_open -= 1
        return stats_of(&counts)

    def connect(
        self, int64_t stream, str host, int port, int payload_type, int event_type=-1, *, bint comfort=True
    ):
        cdef uint32_t address = ipv4(host)
        cdef Stream *s
        if not 0 < port < 65536:
            raise ValueError(f"not a port: {port}")
        if address >> 28 >= 14:
            raise ValueError(f"not an address of one host: {host}")
        if payload_type not in (PAYLOAD_PCMU, PAYLOAD_PCMA):
            raise ValueError(f"not a payload type of G.711: {payload_type}")
        if event_type in (PAYLOAD_PCMU, PAYLOAD_PCMA, PAYLOAD_NOISE) or not -1 <= event_type <= 127:
            raise ValueError(f"not a payload type for events: {event_type}")
        s = self.hold(stream)
        if not s.connected:
            s.connected = 1
            s.connected_ns = clock(CLOCK_MONOTONIC)
        receiver_connect(&s.receiver, address, port, event_type)
        sender_connect(&s.sender, payload_type, event_type, comfort)
        self.let_go(s)

    # ---- audio and digits

    def add_prompt(self, const uint8_t[::1] pcmu, const uint8_t[::1] pcma):
        cdef int i
        self.sweep()
        for i in range(PROMPTS_MAX):
            if self.prompts[i].id == 0:
                break
        else:
            raise OSError(errno.ENOBUFS, f"the media engine holds its {PROMPTS_MAX} prompts")
        prompt_fill(&self.prompts[i], pcmu, pcma)
        self.prompts_added += 1
        self.prompts[i].id = self.prompts_added
        self.prompt_index[self.prompts_added] = i
        return self.prompts_added

    def remove_prompt(self, int64_t prompt):
        if prompt not in self.prompt_index:
            raise KeyError(f"no such prompt: {prompt}")
        self.prompts[<int> self.prompt_index.pop(prompt)].dead = 1
        self.sweep()

    cdef void sweep(self) noexcept:
        """Free removed prompts that nobody plays any more."""
        cdef int i
        for i in range(PROMPTS_MAX):
            if self.prompts[i].dead and geti32(&self.prompts[i].users) == 0:
                prompt_free(&self.prompts[i])

    def play(self, int64_t stream, int64_t prompt, int64_t token, bint loop=False):
        cdef Stream *s
        if prompt not in self.prompt_index:
            raise KeyError(f"no such prompt: {prompt}")
        cdef int index = self.prompt_index[prompt]
        s = self.hold(stream)
        sender_play(&s.sender, &self.prompts[index], token, loop)
        self.let_go(s)

    def stop_play(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        sender_stop(&s.sender)
        self.let_go(s)

    def send_digits(self, int64_t stream, str digits, int64_t token, int on_ms=100, int gap_ms=100):
        cdef Stream *s
        cdef DigitIn digit
        cdef int i, room, events
        cdef uint8_t code[DIGITS_MAX]
        codes, on_frames, gap_frames = digits_of(digits, on_ms, gap_ms)
        cdef int count = len(codes)
        for i in range(count):
            code[i] = codes[i]
        digit.token = token
        digit.on_frames = on_frames
        digit.gap_frames = gap_frames
        s = self.hold(stream)
        events = s.sender.event_type >= 0
        room = DIGITS_MAX - s.sender.digit_count
        if events and count <= room:
            for i in range(count):
                digit.code = code[i]
                digit.last = i == count - 1
                sender_digit(&s.sender, &digit)
        self.let_go(s)
        if not events:
            raise ValueError("the peer did not agree on telephone events")
        if count > room:
            raise BufferError(f"at most {DIGITS_MAX} digits wait to be sent")

    # ---- recording

    def record(self, int64_t stream, bint on=True):
        cdef RecordRing *ring = NULL
        cdef Stream *s = self.hold(stream)
        if on and s.record == NULL:
            s.record = <RecordRing *> calloc(1, sizeof(RecordRing))
            if s.record == NULL:
                self.let_go(s)
                raise MemoryError
            s.record.start_ns = clock(CLOCK_MONOTONIC)
        if s.record != NULL:
            s.record.on = on
        self.let_go(s)

    def recorded(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef RecordRing *ring = s.record
        self.let_go(s)
        if ring == NULL:
            return b""
        # the ring stays while we have the GIL: only close frees it
        cdef uint32_t tail = ring.tail, count = get32(&ring.head) - ring.tail, first
        out = PyBytes_FromStringAndSize(NULL, <Py_ssize_t> (count * sizeof(RecordEntry)))
        cdef char *into = PyBytes_AS_STRING(out)
        first = min(count, RECORD_ENTRIES - tail % RECORD_ENTRIES)
        memcpy(into, &ring.entries[tail % RECORD_ENTRIES], first * sizeof(RecordEntry))
        memcpy(into + first * sizeof(RecordEntry), &ring.entries[0], (count - first) * sizeof(RecordEntry))
        set32(&ring.tail, tail + count)
        return out

    # ---- what happened

    def events(self):
        cdef Event e
        cdef int i
        cdef list out = []
        wake_clear(self.wake_fd)
        set8(&self.woken, 0)
        for i in range(self.thread_count):
            while event_take(&self.workers[i].ring, &e):
                if e.kind == DIGIT_HEARD:
                    out.append(DigitHeard(e.stream, DIGITS[e.digit], e.value, "rfc4733"))
                elif e.kind == PLAY_ENDED:
                    out.append(PlayEnded(e.stream, e.value))
                else:
                    out.append(DigitsSent(e.stream, e.value))
                if len(out) >= EVENTS_BATCH:
                    wake(self.wake_fd)  # there may be more
                    return out
        return out

    def stats(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef Counts counts = counts_of(s)
        self.let_go(s)
        return stats_of(&counts)

    def counters(self):
        cdef uint64_t bins[HISTOGRAM_BINS]
        cdef Worker *w
        cdef int i, j
        memset(&bins[0], 0, sizeof(bins))
        names = (
            "ticks", "ticks_skipped", "frames", "frames_late", "deferred", "budget_spent", "events_dropped"
        )
        out = dict.fromkeys(names, 0)
        load = 0.0
        late_max = 0
        for i in range(self.thread_count):
            w = &self.workers[i]
            counts = (
                w.ticks, w.ticks_skipped, w.frames, w.frames_late, w.deferred, w.budget_spent, w.ring.dropped
            )
            for name, count in zip(names, counts):
                out[name] += count
            load = max(load, get64(&w.load_ppm) / 1e6)
            late_max = max(late_max, w.late_ns_max)
            for j in range(HISTOGRAM_BINS):
                bins[j] += w.lateness[j]
        out |= {
            "streams": self.streams_open,
            "streams_max": self.streams_max,
            "streams_opened": self.opened,
            "prompts": len(self.prompt_index),
            "threads": self.running,
            "fifo_refused": self.fifo_refused,
            "held_waits": self.held_waits,
            "load": load,
            "lateness_us_p50": percentile(bins, 0.5),
            "lateness_us_p99": percentile(bins, 0.99),
            "lateness_us_p999": percentile(bins, 0.999),
            "lateness_us_max": late_max / 1000,
        }
        return out


cdef double percentile(const uint64_t *bins, double part) noexcept:
    """Upper edge, in microseconds, of the bin under which `part` of all frames lie; 0 when there are none."""
    cdef uint64_t total = 0, seen = 0
    cdef int i
    for i in range(HISTOGRAM_BINS):
        total += bins[i]
    for i in range(HISTOGRAM_BINS):
        seen += bins[i]
        if total and seen >= part * total:
            return bin_edge_us(i)
    return 0.0


cdef Counts counts_of(const Stream *s) noexcept:
    cdef Counts c
    c.receiver = s.receiver
    c.sent = s.sent
    c.early = s.early
    c.late = s.late
    c.send_errors = s.send_errors
    c.receive_errors = s.receive_errors
    c.digits_sent = s.sender.digits_sent
    c.record_dropped = s.record.dropped if s.record != NULL else 0
    return c


cdef object stats_of(const Counts *c):
    cdef const Receiver *r = &c.receiver
    return StreamStats(
        c.sent, r.received, receiver_lost(r), r.reordered, r.duplicates, r.stale, receiver_jitter_ms(r),
        r.foreign, r.malformed, r.other_payload, r.rtcp, c.early, c.late, c.send_errors, c.receive_errors,
        r.digits_heard, c.digits_sent, c.record_dropped, r.source_changes, r.heard_ns,
        (ipv4_text(r.latch.address), r.latch.port), bool(r.latch.locked),
    )
