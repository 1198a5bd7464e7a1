# cython: auto_pickle=False, autotestdict=False
"""Reports over sockets: the RTP port + 1, or the RTP port itself with a=rtcp-mux.

- Heard are reports from whoever the latch hears RTP of: the same address and port with mux, else
  the same host, or the one that a=rtcp named. Anything else is dropped unanswered and counted.
- Ours go to where theirs came from (RFC 4961), else where a=rtcp said, else beside the peer's RTP.
- What a flood leaves in the socket of its own is the kernel's to drop: few are read, once a second.
"""

from fastpath.rtcp cimport Ours, rtcp_turn, rtcp_write
from fastpath.rtcp_read cimport rtcp_read
from fastpath.rtp_host cimport Host
from fastpath.rtp_latch cimport Latch
from fastpath.rtp_limits cimport (
    MS_NS,
    RTCP_BUDGET,
    RTCP_BUFFER_BYTES,
    RTCP_BYTES_MAX,
    RTCP_POLL_FRAMES,
    SAMPLE_NS,
    SRTP_EXTRA_MAX,
)
from fastpath.rtp_os cimport (
    CLOCK_MONOTONIC,
    EAGAIN,
    clock,
    udp_beside,
    udp_receive,
    udp_send,
    wall_ahead,
)
from fastpath.srtp_open cimport srtp_open
from fastpath.srtp_packet cimport is_rtcp
from fastpath.srtp_seal cimport srtcp_seal


cdef int rtcp_open(Stream *s) noexcept nogil:
    """A socket beside the RTP port; 0 when it cannot be had."""
    if s.rtcp.fd < 0:
        s.rtcp.fd = udp_beside(s.fd, <uint16_t> (s.port + 1), RTCP_BUFFER_BYTES)
    return s.rtcp.fd >= 0


cdef void rtcp_heard(
    Stream *s,
    const uint8_t *data,
    int size,
    Host address,
    uint16_t port,
    int64_t at_ns,
    int64_t wall_ns,
) noexcept nogil:
    """Take a datagram of theirs, decrypted; `wall_ns` is from our clock to that of the wall."""
    cdef const Latch *peer = &s.receiver.latch
    if not s.rtcp.on:
        return
    if s.rtcp.mux:
        if address != peer.address or port != peer.port:
            s.rtcp.foreign += 1
            return
    elif address != peer.address and (s.rtcp.address == 0 or address != s.rtcp.address):
        s.rtcp.foreign += 1
        return
    if rtcp_read(&s.rtcp, s.sender.ssrc, data, size, at_ns, at_ns + wall_ns):
        s.rtcp.heard_address = address
        s.rtcp.heard_port = port


cdef void receive(Worker *w, Stream *s, int64_t wall_ns) noexcept nogil:
    """What came to the socket beside RTP's."""
    cdef Host address = 0
    cdef uint16_t port = 0
    cdef int64_t stamp_ns = 0, now_ns = clock(CLOCK_MONOTONIC)
    cdef const uint8_t *data
    cdef int size, _budget
    for _budget in range(RTCP_BUDGET):
        size = udp_receive(
            s.rtcp.fd, &w.datagram[0], sizeof(w.datagram), &address, &port, &stamp_ns
        )
        if size == -EAGAIN:
            break
        if size < 0:
            continue
        data = &w.datagram[0]
        if not is_rtcp(data, size):
            s.rtcp.malformed += 1
            continue
        if s.srtp != NULL:
            size = srtp_open(&s.srtp.opener, data, size, &w.opened[0])
            if size < 0:
                continue
            data = &w.opened[0]
        rtcp_heard(
            s, data, size, address, port, stamp_ns - wall_ns if stamp_ns else now_ns, wall_ns
        )


cdef uint32_t stamp_of(const Worker *w, const Stream *s, int64_t now_ns) noexcept nogil:
    """The RTP time of a moment: frame 0 of a slot is as many ms after the thread's beginning."""
    cdef int64_t slot = (s - w.streams) // w.slot_capacity
    cdef int64_t samples = (now_ns - w.begun_ns - slot * MS_NS) // SAMPLE_NS
    return s.sender.timestamp_base + <uint32_t> samples


cdef void say(const Worker *w, Stream *s, int bye) noexcept nogil:
    """Send a report to wherever theirs come from, or should."""
    cdef const Latch *peer = &s.receiver.latch
    cdef uint8_t plain[RTCP_BYTES_MAX]
    cdef uint8_t sealed[RTCP_BYTES_MAX + SRTP_EXTRA_MAX]
    cdef const uint8_t *data = &plain[0]
    cdef Host address = peer.address
    cdef int port = peer.port if s.rtcp.mux else min(peer.port + 1, 65535), size
    cdef Ours ours
    if not s.rtcp.mux and s.rtcp.heard_port:
        address = s.rtcp.heard_address
        port = s.rtcp.heard_port
    elif not s.rtcp.mux and s.rtcp.address:
        address = s.rtcp.address
        port = s.rtcp.port
    ours.now_ns = clock(CLOCK_MONOTONIC)
    ours.wall_ns = ours.now_ns + wall_ahead()
    ours.ssrc = s.sender.ssrc
    ours.timestamp = stamp_of(w, s, ours.now_ns)
    ours.packets = s.sent
    ours.octets = s.octets
    size = rtcp_write(&s.rtcp, &s.receiver, &ours, bye, &plain[0])
    if s.srtp != NULL:
        size = srtcp_seal(&s.srtp.sealer, &plain[0], size, &sealed[0])
        data = &sealed[0]
    if size < 0 or udp_send(
        s.fd if s.rtcp.mux else s.rtcp.fd, data, size, address, <uint16_t> port
    ) < 0:
        s.send_errors += 1


cdef void rtcp_serve(
    Worker *w, Stream *s, uint32_t frame, int64_t due_ns, int64_t wall_ns
) noexcept nogil:
    """Read their reports, and send ours when it is time."""
    if s.rtcp.fd >= 0 and (frame + <uint32_t> s.id) % RTCP_POLL_FRAMES == 0:
        receive(w, s, wall_ns)
    if due_ns >= s.rtcp.next_ns and rtcp_turn(&s.rtcp, &s.receiver, due_ns):
        if s.receiver.latch.address:
            say(w, s, 0)
        else:  # the peer is on hold, nobody knows where
            s.rtcp.last_ns = due_ns


cdef void rtcp_goodbye(const Worker *w, Stream *s) noexcept nogil:
    """Part from a peer that heard of us (6.3.7: else from nobody)."""
    if s.rtcp.on and s.receiver.latch.address and (s.sent or s.rtcp.sent):
        say(w, s, 1)
