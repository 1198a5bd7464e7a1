# cython: auto_pickle=False, autotestdict=False
"""Streams and threads: what every other part of the engine's face stands on."""

import errno
import os

from libc.stdlib cimport calloc, free
from libc.string cimport memset

from fastpath.atomics cimport add32, get8, pause, set8, set32, swap8
from fastpath.pump cimport Pump, device_open, pump_start
from fastpath.rtcp cimport rtcp_init
from fastpath.rtcp_exchange cimport rtcp_goodbye
from fastpath.rtp_counts cimport Counts, counts_of, engine_counters, stats_of
from fastpath.rtp_events cimport events_take
from fastpath.rtp_limits cimport (
    EVENTS_BATCH, EVENTS_MIN, SLOTS, STREAMS_LIMIT, THREADS_MAX,
)
from fastpath.rtp_loop cimport (
    GATE_FREE,
    GATE_HELD,
    GATE_IDLE,
    Event,
    Tap,
    worker_run,
)
from fastpath.rtp_os cimport (
    CLOCK_MONOTONIC,
    clock,
    close_fd,
    getpid,
    pthread_join,
    random_bytes,
    sched_yield,
    thread_start,
    wake,
    wake_clear,
    wake_new,
)
from fastpath.rtp_places cimport GATHERED, beside, emptiest, gathered
from fastpath.rtp_ports cimport bind_even
from fastpath.rtp_prompts cimport Prompts
from fastpath.rtp_receive cimport receiver_init
from fastpath.rtp_send cimport sender_init, sender_stop
from fastpath.srtp cimport srtp_free


cdef void drop_taps(Stream *s) noexcept:
    """Let all who hear a held stream end; no media thread runs, or its gate is ours."""
    cdef Tap *tap
    while s.tap_count:
        tap = &s.taps[s.tap_count - 1]
        s.tap_count -= 1
        if tap.drop != NULL:
            tap.drop(tap.state, s)
    s.sender.feed.fill = NULL


cdef class StreamEngine:

    def __cinit__(self):
        self.wake_fd = -1
        self.owner_pid = getpid()

    def __init__(self, int threads=1, int priority=10, int streams_max=4096):
        cdef Worker *w
        cdef int i, spread, ring = EVENTS_MIN
        if self.workers != NULL:
            raise RuntimeError("the media engine was made already")
        if not 1 <= threads <= THREADS_MAX:
            raise ValueError(f"threads must be between 1 and {THREADS_MAX}")
        if not 0 <= priority <= 99:
            raise ValueError("priority must be between 0 (not real-time) and 99")
        if not 1 <= streams_max <= STREAMS_LIMIT:
            raise ValueError(f"streams_max must be between 1 and {STREAMS_LIMIT}")
        self.thread_count = threads
        self.priority = priority
        self.streams_max = streams_max
        spread = (streams_max + threads * SLOTS - 1) // (threads * SLOTS)
        self.slot_capacity = max(<int> GATHERED, spread)
        self.table = threads * SLOTS * self.slot_capacity
        self.workers = <Worker *> calloc(threads, sizeof(Worker))
        # two more: what is fetched ahead of the last ones
        self.streams = <Stream *> calloc(self.table + 2, sizeof(Stream))
        self.gates = <uint8_t *> calloc(self.table, 1)
        if self.workers == NULL or self.streams == NULL or self.gates == NULL:
            raise MemoryError
        while ring < 4 * SLOTS * spread:
            ring *= 2
        for i in range(threads):
            w = &self.workers[i]
            w.streams = &self.streams[i * SLOTS * self.slot_capacity]
            w.gates = &self.gates[i * SLOTS * self.slot_capacity]
            w.slot_capacity = self.slot_capacity
            w.capacity = SLOTS * spread
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
        self.prompts = Prompts()
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
                        if self.streams[i].rtcp.fd >= 0:
                            close_fd(self.streams[i].rtcp.fd)
                        drop_taps(&self.streams[i])
                        srtp_free(self.streams[i].srtp)
                        free(self.streams[i].serve_state)
            for i in range(self.thread_count):
                free(self.workers[i].ring.entries)
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
            self.workers[i].missed.count = 0
            self.workers[i].begun_ns = clock(CLOCK_MONOTONIC)
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

    def open(self, str host, int port_low, int port_high, *, int64_t near=0):
        cdef int port = 0, fd, group
        cdef Stream *s
        if self.streams_open >= self.streams_max:
            raise OSError(errno.ENOBUFS, f"the media engine carries its {self.streams_max} streams")
        group = self.group_beside(near) if near else emptiest(self.workers, self.thread_count)
        fd = bind_even(host, port_low, port_high, &port)
        s = self.seat(fd, group)
        s.port = port
        self.let_go(s)
        return s.id

    cdef Stream *seat(self, int fd, int group) except NULL:
        """A new stream, held, on a descriptor that is the stream's from now on."""
        cdef int entry
        cdef uint32_t chance[8]
        cdef Stream *s
        cdef Worker *w
        if random_bytes(&chance[0], sizeof(chance)):
            close_fd(fd)
            raise OSError(errno.EIO, "no random numbers")
        entry = self.free_entries[group].pop()
        w = &self.workers[group // SLOTS]
        s = &self.streams[group * self.slot_capacity + entry]
        memset(s, 0, sizeof(Stream))
        self.opened += 1
        s.id = self.opened * self.table + group * self.slot_capacity + entry
        s.fd = fd
        receiver_init(&s.receiver)
        rtcp_init(&s.rtcp, <const uint8_t *> &chance[3])
        # RFC 3711 3.3.1: so low that a loss among the first packets hides no roll-over
        sender_init(&s.sender, chance[0], chance[1] & 0x7FFF, chance[2])
        if <uint32_t> entry + 1 > w.slot_high[group % SLOTS]:
            set32(&w.slot_high[group % SLOTS], entry + 1)
        add32(&w.slot_used[group % SLOTS], 1)
        self.streams_open += 1
        return s

    def open_device(self, int device):
        cdef int fd
        cdef Stream *s
        if self.streams_open >= self.streams_max:
            raise OSError(errno.ENOBUFS, f"the media engine carries its {self.streams_max} streams")
        fd = device_open(device)
        if fd < 0:
            raise OSError(-fd, os.strerror(-fd))
        s = self.seat(fd, gathered(self.workers, self.thread_count))
        if not pump_start(s):
            self.shut(s)
            raise MemoryError
        self.let_go(s)
        return s.id

    def device(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef Pump counts
        cdef int there = s.serve_state != NULL
        if there:
            counts = (<Pump *> s.serve_state)[0]
        self.let_go(s)
        if not there:
            raise ValueError(f"stream {stream} is no device's")
        return {
            "frames_in": counts.frames_in,
            "frames_out": counts.frames_out,
            "underruns": counts.underruns,
            "dropped": counts.dropped,
            "waiting_bytes": counts.out_count,
            "gone": counts.gone,
        }

    cdef int group_beside(self, int64_t near) except -1:
        """The thread of a stream, and a slot of it with room; as one number."""
        cdef Stream *s = self.hold(near)
        cdef int group = <int> (s - self.streams) // self.slot_capacity
        cdef int first = group - group % SLOTS
        cdef int slot = beside(&self.workers[group // SLOTS], group % SLOTS)
        self.let_go(s)
        if slot < 0:
            raise OSError(errno.ENOBUFS, "the media thread carries all streams that it can")
        return first + slot

    def port(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        port = s.port
        self.let_go(s)
        return port

    def thread(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef int group = <int> (s - self.streams) // self.slot_capacity
        self.let_go(s)
        return group // SLOTS

    def close(self, int64_t stream):
        return self.shut(self.hold(stream))

    cdef object shut(self, Stream *s):
        """Free a held stream and everything it holds; its last statistics."""
        cdef int index = <int> (s - self.streams)
        cdef int group = index // self.slot_capacity
        cdef Counts counts
        rtcp_goodbye(&self.workers[group // SLOTS], s)
        counts = counts_of(s)
        sender_stop(&s.sender)
        drop_taps(s)
        srtp_free(s.srtp)
        s.srtp = NULL
        free(s.serve_state)
        s.serve_state = NULL
        close_fd(s.fd)
        if s.rtcp.fd >= 0:
            close_fd(s.rtcp.fd)
        set8(&self.gates[index], GATE_FREE)
        add32(&self.workers[group // SLOTS].slot_used[group % SLOTS], -1)
        self.free_entries[group].append(index % self.slot_capacity)
        self.streams_open -= 1
        return stats_of(&counts)

    # ---- what happened

    def events(self):
        wake_clear(self.wake_fd)
        set8(&self.woken, 0)
        out = events_take(self.workers, self.thread_count)
        if len(out) == EVENTS_BATCH:
            wake(self.wake_fd)  # there may be more
        return out

    def stats(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef Counts counts = counts_of(s)
        self.let_go(s)
        return stats_of(&counts)

    def counters(self):
        return engine_counters(self.workers, self.thread_count) | {
            "streams": self.streams_open,
            "streams_max": self.streams_max,
            "streams_opened": self.opened,
            "prompts": len(self.prompts.index),
            "threads": self.running,
            "fifo_refused": self.fifo_refused,
            "held_waits": self.held_waits,
        }
