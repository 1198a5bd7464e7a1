"""The media thread: absolute ticks of 1 ms, 20 slots, a stream served in its slot every 20 ms.

How the threads meet, without a lock that the media thread could wait for:
- A stream belongs to whoever turned its gate from IDLE. The media thread serves the stream a tick
  later when it finds it HELD; Python waits the few microseconds of a service. So commands take
  effect at once and none can be lost.
- Events go to Python through one bounded ring per thread (single producer, single consumer), with
  at most one eventfd write per tick. What does not fit: a digit is dropped and counted, PlayEnded
  and DigitsSent are told a frame later.
- Recorded frames go through one bounded ring per recorded stream; what does not fit is dropped and
  counted.

Where others join a stream, while it is served or held:
- A `Tap` hears every audio packet of the peer, as it arrives (so in any order, comfort noise too),
  and every frame of audio that we sent. A digit it finds goes to `receiver_tell`.
- A `Relay` hears every packet of the peer that is no repeat, events too, and may send whole packets
  on this or another stream.
- The sender's `Feed` (rtp_send.pxd) fills the frames that neither digits nor a prompt take.
- A stream may be served by something else than RTP over a socket (`serve`): a modem's device.
- Streams that meet (bridge, conference) are opened with `near`: then one thread serves them, and
  what they share is touched by nobody else while Python holds one of them. It may be freed when
  no stream refers to it.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtcp cimport Rtcp
from fastpath.rtp_limits cimport (
    DATAGRAM_BYTES_MAX,
    HISTOGRAM_BINS,
    PACKET_BYTES,
    SLOTS,
    SRTP_EXTRA_MAX,
    TAPS_MAX,
)
from fastpath.rtp_os cimport pthread_t
from fastpath.rtp_receive cimport Packet, Receiver
from fastpath.rtp_send cimport Outbox, Sender
from fastpath.rtp_turns cimport Turns
from fastpath.srtp cimport Srtp

cdef enum Gate:
    GATE_FREE
    GATE_IDLE
    GATE_SERVED  # by the media thread
    GATE_HELD  # by Python

cdef enum EventKind:
    DIGIT_HEARD
    PLAY_ENDED
    DIGITS_SENT
    DEVICE_GONE
    PEER_SILENT
    SOUND_HEARD

cdef struct SoundEvent:  # what `Progress` found, see progress.pxd
    uint8_t kind
    uint8_t detail
    float sure
    int32_t value
    uint8_t answered  # it was, when this was heard
    uint32_t frame  # of the media thread, in which it was found

cdef struct Event:
    int64_t stream
    int64_t value  # token, or at_ns of a digit or a sound
    uint8_t kind
    uint8_t digit
    uint8_t source  # of a digit: see DigitSource
    SoundEvent sound

cdef struct EventRing:
    Event *entries
    uint32_t mask
    uint32_t head  # written by the media thread
    uint32_t tail  # written by Python
    uint64_t dropped

cdef struct Stream

# `audio` are p.payload_bytes octets, decrypted, coded as p.payload_type says; arrived at `at_ns`
ctypedef void (*HearFn)(
    void *state, Stream *s, const Packet *p, const uint8_t *audio, int64_t at_ns
) noexcept nogil
# `audio` are `size` octets in the law s.sender.payload_type, whose first has its place at `due_ns`
ctypedef void (*SayFn)(
    void *state, Stream *s, const uint8_t *audio, int size, int64_t due_ns
) noexcept nogil
# the stream is being closed, and held
ctypedef void (*DropFn)(void *state, Stream *s) noexcept

cdef struct Worker

# the turn of this number is over for the stream, whatever came
ctypedef void (*TurnFn)(
    void *state, Worker *w, Stream *s, uint32_t frame, int64_t due_ns
) noexcept nogil

# serves one period of a stream that is no RTP
ctypedef void (*ServeFn)(Worker *w, Stream *s, uint32_t frame, int64_t due_ns) noexcept nogil

cdef struct Tap:  # each function may be NULL
    void *state
    HearFn hear
    SayFn say
    TurnFn turn
    DropFn drop

# `audio` are p.payload_bytes octets as for HearFn, or those of an RFC 4733 event
ctypedef void (*PassFn)(
    void *state, Stream *s, const Packet *p, const uint8_t *audio, int event
) noexcept nogil
# before the frame of this number is sent
ctypedef void (*FlushFn)(void *state, Stream *s, uint32_t frame) noexcept nogil

cdef struct Relay:  # a bridge; all NULL: none
    void *state
    PassFn pass_on
    FlushFn flush

# What every packet touches comes first here, in Receiver and in Sender: rtp_ahead.pxd fetches it.
cdef struct Stream:
    int64_t id
    int fd
    uint16_t port
    uint8_t connected
    uint8_t tap_count
    uint8_t owed  # packets of the peer heard beyond PEER_PACKETS a period
    uint8_t silence_told
    int64_t connected_ns
    ServeFn serve  # NULL: RTP over its socket
    Relay relay
    Srtp *srtp  # NULL: plain RTP
    int64_t silence_ns  # after so long without RTP it is told, once; 0: never
    uint64_t sent
    uint64_t octets  # of payload
    Tap taps[TAPS_MAX]
    Receiver receiver
    Sender sender
    Rtcp rtcp
    void *serve_state  # freed with the stream
    int64_t silence_from_ns
    uint64_t flooded  # periods in which the peer, or whoever, sent more than is heard
    uint64_t late  # frames that left 20 ms or more after their time
    uint64_t send_errors
    uint64_t receive_errors
    uint64_t early  # arrived before the first connect: dropped

cdef struct Worker:
    # shared with the other workers
    Stream *streams  # of this worker: SLOTS * slot_capacity
    uint8_t *gates
    int slot_capacity
    int capacity  # streams that it serves at most: fewer than its slots have room for
    int wake_fd
    uint8_t *woken
    # of this thread
    pthread_t thread
    uint8_t stop
    uint8_t told  # an event was put into the ring in this tick
    uint32_t frame  # number of the present one
    int32_t slot_used[SLOTS]  # streams open in a slot
    uint32_t slot_high[SLOTS]  # entries ever used in a slot
    EventRing ring
    int64_t begun_ns
    int64_t now_ns  # read last: a service old at most
    Turns missed
    uint64_t ticks
    uint64_t ticks_skipped
    uint64_t frames
    uint64_t frames_late
    uint64_t deferred
    uint64_t budget_spent
    uint64_t load_ppm  # of the last second, of one core
    int64_t load_wall_ns
    int64_t load_cpu_ns
    int64_t late_ns_max
    uint64_t lateness[HISTOGRAM_BINS]
    Outbox out
    uint8_t datagram[DATAGRAM_BYTES_MAX + 1]
    uint8_t opened[DATAGRAM_BYTES_MAX + 1]  # the datagram, decrypted
    uint8_t sealed[PACKET_BYTES + SRTP_EXTRA_MAX]

cdef void *worker_run(void *argument) noexcept nogil
cdef int tap_add(Stream *s, const Tap *tap) noexcept nogil
cdef void tap_remove(Stream *s, const void *state) noexcept nogil
cdef void *tap_state(const Stream *s, DropFn drop) noexcept nogil
cdef void heard(Stream *s, const Packet *p, const uint8_t *audio, int64_t at_ns) noexcept nogil
cdef void said(Stream *s, const uint8_t *audio, int size, int64_t due_ns) noexcept nogil
cdef void turned(Worker *w, Stream *s, uint32_t frame, int64_t due_ns) noexcept nogil
cdef int tell(Worker *w, uint8_t kind, int64_t stream, int64_t value) noexcept nogil
cdef int tell_sound(
    Worker *w, int64_t stream, int64_t at_ns, const SoundEvent *sound
) noexcept nogil
cdef void tell_digits(Worker *w, Stream *s) noexcept nogil
cdef void tell_ends(Worker *w, Stream *s) noexcept nogil
cdef int event_take(EventRing *ring, Event *into) noexcept nogil
