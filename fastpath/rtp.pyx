# cython: auto_pickle=False, autotestdict=False
"""The media engine as Python sees it. See rtp_loop.pxd for how its threads meet."""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport calloc

from fastpath.atomics cimport get32
from fastpath.progress cimport Attention
from fastpath.progress_tap cimport ear_listen, ear_rest, ear_settle, keys_off, keys_on
from fastpath.rtcp cimport rtcp_start
from fastpath.rtcp_exchange cimport rtcp_open
from fastpath.rtp_echo cimport echo_off, echo_on
from fastpath.rtp_parties cimport PartyEngine
from fastpath.rtp_host cimport Host, host_of, is_one_host, is_v6
from fastpath.rtp_limits cimport DIGITS_MAX, MS_NS, SILENCE_MS_MAX, SLOTS
from fastpath.rtp_loop cimport Stream
from fastpath.rtp_os cimport CLOCK_MONOTONIC, clock, udp_is_v6
from fastpath.rtp_prompts cimport Chain
from fastpath.rtp_receive cimport receiver_connect
from fastpath.rtp_record cimport RecordRing, record_of, record_start, record_take
from fastpath.rtp_send cimport (
    DigitBatch,
    check_types,
    digits_fill,
    sender_connect,
    sender_digits,
    sender_pause,
    sender_play,
    sender_stop,
)
from fastpath.srtp cimport KeyPair, Srtp, srtp_free

# the face of this module
from fastpath.rtp_counts import StreamStats  # no-cython-lint
from fastpath.rtp_events import DeviceGone, DigitHeard, DigitsSent, MediaEvent  # no-cython-lint
from fastpath.rtp_events import PeerSilent, PlayEnded, SoundHeard  # no-cython-lint
from fastpath.rtp_receive import DIGITS  # no-cython-lint
from fastpath.rtp_record import RECORD_DTYPE  # no-cython-lint
from fastpath.srtp_keys import SrtpKeys  # no-cython-lint


cdef class MediaEngine(PartyEngine):

    def connect(
        self,
        int64_t stream,
        str host,
        int port,
        int payload_type,
        int event_type=-1,
        *,
        int law=-1,
        bint comfort=True,
    ):
        cdef Host address = host_of(host)
        cdef Stream *s
        if not 0 < port < 65536:
            raise ValueError(f"not a port: {port}")
        if not is_one_host(address):
            raise ValueError(f"not an address of one host: {host}")
        law = payload_type if law < 0 else law
        check_types(law, payload_type, event_type)
        s = self.hold(stream)
        if address and bool(is_v6(address)) != bool(udp_is_v6(s.fd)):
            self.let_go(s)
            raise ValueError(f"{host} cannot be reached from a socket of the other family")
        if not s.connected:
            s.connected = 1
            s.connected_ns = clock(CLOCK_MONOTONIC)
        receiver_connect(&s.receiver, address, port, event_type)
        s.receiver.audio_type = <int16_t> payload_type
        s.receiver.audio_law = <uint8_t> law
        sender_connect(&s.sender, law, payload_type, event_type, comfort)
        self.let_go(s)

    def report(self, int64_t stream, str host="", int port=0, *, bint mux=False):
        cdef Host address = host_of(host) if host else 0
        cdef Stream *s
        if not 0 <= port < 65536 or (host and not port) or not is_one_host(address):
            raise ValueError(f"not an address for reports: {host}:{port}")
        s = self.hold(stream)
        done = mux or rtcp_open(s)
        if done:
            rtcp_start(&s.rtcp, address, <uint16_t> port, mux, clock(CLOCK_MONOTONIC))
        self.let_go(s)
        return bool(done)

    def watch(self, int64_t stream, int silence_ms):
        cdef Stream *s
        if not 0 <= silence_ms <= SILENCE_MS_MAX:
            raise ValueError(f"silence_ms must be between 0 (not watched) and {SILENCE_MS_MAX}")
        s = self.hold(stream)
        s.silence_ns = <int64_t> silence_ms * MS_NS
        s.silence_from_ns = clock(CLOCK_MONOTONIC)
        s.silence_told = 0
        self.let_go(s)

    def pause(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        sender_pause(&s.sender, 1)
        self.let_go(s)

    def resume(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        sender_pause(&s.sender, 0)
        self.let_go(s)

    def secure(self, int64_t stream, sending, receiving):
        cdef KeyPair keys = KeyPair(sending, receiving)
        cdef Stream *s = self.hold(stream)
        if s.srtp == NULL:
            s.srtp = <Srtp *> calloc(1, sizeof(Srtp))
        if s.srtp != NULL:
            keys.swap(s.srtp)
        secured = s.srtp != NULL
        self.let_go(s)
        if not secured:
            raise MemoryError

    def unsecure(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        srtp_free(s.srtp)
        s.srtp = NULL
        self.let_go(s)

    # ---- audio and digits

    def add_prompt(self, const uint8_t[::1] pcmu, const uint8_t[::1] pcma):
        return self.prompts.add(pcmu, pcma)

    def remove_prompt(self, int64_t prompt):
        self.prompts.remove(prompt)

    def play(self, int64_t stream, prompts, int64_t token, bint loop=False):
        cdef const Chain *audio = self.prompts.chain(prompts)
        cdef Stream *s = self.hold(stream)
        sender_play(&s.sender, audio, token, loop)
        self.let_go(s)

    def stop_play(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        sender_stop(&s.sender)
        self.let_go(s)

    def send_digits(self, int64_t stream, str digits, int64_t token, int on_ms=100, int gap_ms=100):
        cdef Stream *s
        cdef DigitBatch batch
        cdef int fit
        digits_fill(&batch, digits, token, on_ms, gap_ms)
        s = self.hold(stream)
        fit = sender_digits(&s.sender, &batch)
        self.let_go(s)
        if not fit:
            raise BufferError(f"at most {DIGITS_MAX} digits wait to be sent")

    def hear_tones(self, int64_t stream, bint on=True):
        cdef Stream *s = self.hold(stream)
        cdef int done = 1
        if on:
            done = keys_on(s)
        else:
            keys_off(s)
        self.let_go(s)
        if not done:
            raise MemoryError

    def listen(self, int64_t stream, Attention attention, *, bint answered=False):
        cdef Stream *s = self.hold(stream)
        cdef int done = 1
        if attention is not None:
            done = ear_listen(s, attention, answered, clock(CLOCK_MONOTONIC))
        else:
            ear_rest(s)
        self.let_go(s)
        if not done:
            raise MemoryError

    def settle(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        ear_settle(s)
        self.let_go(s)

    def frame(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef int group = <int> (s - self.streams) // self.slot_capacity
        self.let_go(s)
        return get32(&self.workers[group // SLOTS].frame)

    def echo(self, int64_t stream, bint on=True):
        cdef Stream *s = self.hold(stream)
        cdef int done = 1
        echo_off(s)
        if on:
            done = echo_on(s)
        self.let_go(s)
        if not done:
            raise ValueError("the stream says something else already")

    # ---- recording

    def record(self, int64_t stream, bint on=True):
        cdef Stream *s = self.hold(stream)
        cdef RecordRing *ring = record_of(s)
        cdef int done = 1
        if on:
            done = record_start(s, clock(CLOCK_MONOTONIC))
        elif ring != NULL:
            ring.on = 0
        self.let_go(s)
        if not done:
            raise MemoryError

    def recorded(self, int64_t stream):
        cdef Stream *s = self.hold(stream)
        cdef RecordRing *ring = record_of(s)
        self.let_go(s)
        if ring == NULL:
            return b""
        return record_take(ring)  # it stays while we have the GIL: only close frees it
