# cython: auto_pickle=False, autotestdict=False
"""Who is heard in one stream. Asterisk calls it strict RTP, others symmetric RTP with latching.

Packets count only when they come from the peer. Until the peer is known, sources are ranked against
its SDP address: exact, same host, same port, any. The exact address leads from its first packet on;
another source leads after LEARN_PACKETS packets in order. A better ranked source may take the lead.
LEARN_PACKETS packets in order from the exact address, or LEARN_NS after somebody first led, the
latch closes until the next connect. What is dropped is never answered.
"""

from libc.string cimport memset

from fastpath.rtp_limits cimport CANDIDATES_MAX, LEARN_NS, LEARN_PACKETS


cdef void latch_init(Latch *l, Host address, uint16_t port) noexcept nogil:
    """Forget whom we heard and learn anew, around the address the SDP gave."""
    memset(l, 0, sizeof(Latch))
    l.rank = -1
    l.sdp_address = l.address = address
    l.sdp_port = l.port = port


cdef int weaker(const Candidate *a, const Candidate *b) noexcept nogil:
    """Which of two entries is given up first: a free one, then by rank, order and age."""
    if not a.in_order or not b.in_order:
        return b.in_order and not a.in_order
    if a.rank != b.rank:
        return a.rank < b.rank
    if a.in_order != b.in_order:
        return a.in_order < b.in_order
    return a.touched < b.touched


cdef Candidate *candidate_of(Latch *l, Host address, uint16_t port, int8_t rank) noexcept nogil:
    """A source's entry, made if needed in place of a weaker one; NULL when all are stronger."""
    cdef Candidate *c
    cdef Candidate *victim = NULL
    cdef int i
    for i in range(CANDIDATES_MAX):
        c = &l.candidates[i]
        if c.in_order and c.address == address and c.port == port:
            return c
        if victim == NULL or weaker(c, victim):
            victim = c
    if victim.in_order and victim.rank > rank:
        return NULL
    memset(victim, 0, sizeof(Candidate))
    victim.address = address
    victim.port = port
    victim.rank = rank
    return victim


cdef int latch_admit(
    Latch *l, Host address, uint16_t port, uint32_t ssrc, uint16_t seq, int64_t at_ns
) noexcept nogil:
    """Whether a packet is the peer's."""
    cdef Candidate *c
    cdef int8_t rank
    cdef int leads = l.rank >= 0 and address == l.address and port == l.port
    if not l.locked and l.rank >= 0 and at_ns - l.led_ns >= LEARN_NS:
        l.locked = 1
    if l.locked:
        return leads
    if address == l.sdp_address:
        rank = RANK_EXACT if port == l.sdp_port else RANK_HOST
    else:
        rank = RANK_PORT if port == l.sdp_port else RANK_ANY
    if not leads and rank <= l.rank:
        return 0
    c = candidate_of(l, address, port, rank)
    if c == NULL:
        return 0
    l.clock += 1
    c.touched = l.clock
    if c.in_order and c.ssrc == ssrc and c.seq_next == seq:
        if c.in_order < LEARN_PACKETS:
            c.in_order += 1
    else:
        c.in_order = 1
        c.ssrc = ssrc
    c.seq_next = <uint16_t> (seq + 1)
    if not leads and (rank == RANK_EXACT or c.in_order == LEARN_PACKETS):
        if l.rank < 0:
            l.led_ns = at_ns
        l.rank = rank
        l.address = address
        l.port = port
        leads = 1
    if rank == RANK_EXACT and c.in_order == LEARN_PACKETS:
        l.locked = 1
    return leads


cdef int latch_bars(const Latch *l, Host address, uint16_t port) noexcept nogil:
    """Whether no packet from there can be the peer's: known before it is decrypted."""
    return l.locked and (address != l.address or port != l.port)
