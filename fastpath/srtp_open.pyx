# cython: auto_pickle=False, autotestdict=False
"""SRTP and SRTCP as one side receives it. The rules:

1. The index of a packet is guessed from the newest authentic one (RFC 3711 appendix A).
2. Nothing of a packet counts before it is authentic: no counter moves, no source is remembered.
3. New keys leave the counters alone (3.3.1). A peer that starts them anew with its new keys is
   understood as well: no packet of the old keys can be authentic under the new ones.
4. A packet is accepted once, and not when it is 64 or more behind the newest.
"""

from libc.string cimport memcmp, memcpy, memset

from fastpath.rtp_limits cimport DATAGRAM_BYTES_MAX, REORDER_WINDOW, SOURCES_MAX
from fastpath.srtp_evp cimport evp_ctr, evp_mac, evp_open, same
from fastpath.srtp_keys cimport (
    GCM_TAG_BYTES,
    MAC_KEY_BYTES,
    Key,
    Keys,
    srtp_forget,
    srtp_keys,
)
from fastpath.srtp_packet cimport (
    ENCRYPTED,
    FAILED,
    HALF,
    INDEX_BYTES,
    REPLAYED,
    RTCP_HEADER_BYTES,
    be32,
    counter_iv,
    gcm_iv,
    header_of,
    is_rtcp,
    put32,
)


cdef enum:  # of what nothing arrived under the present keys
    RTP = 1
    RTCP = 2


cdef void srtp_rekey(Opener *o, const Keys *keys) noexcept nogil:
    """Other keys from now on. Whoever calls has kept the old ones, to forget them.

    With the same ones counters cannot begin anew: what repeats is a replay, as before.
    """
    cdef int i, repeated = is_same(&o.keys, keys)
    o.keys = keys[0]
    for i in range(SOURCES_MAX):
        if not repeated:
            o.sources[i].rekeyed = RTP | RTCP


cdef int is_same(const Keys *a, const Keys *b) noexcept nogil:
    """By the salts: derived from all of a master key, they are as different as the keys."""
    cdef size_t size = 12 if a.gcm else 14
    return (
        a.rtp.cipher != NULL
        and b.rtp.cipher != NULL
        and a.gcm == b.gcm
        and memcmp(&a.rtp.salt[0], &b.rtp.salt[0], size) == 0
        and memcmp(&a.rtcp.salt[0], &b.rtcp.salt[0], size) == 0
    )


cdef Sealed *source_of(Opener *o, uint32_t ssrc) noexcept nogil:
    """The counters of an SSRC; NULL for one not heard before."""
    cdef int i
    for i in range(SOURCES_MAX):
        if o.sources[i].used and o.sources[i].ssrc == ssrc:
            return &o.sources[i]
    return NULL


cdef Sealed *source_new(Opener *o, uint32_t ssrc) noexcept nogil:
    """Remember an authentic SSRC, in place of the one not heard for longest."""
    cdef Sealed *oldest = &o.sources[0]
    cdef int i
    for i in range(SOURCES_MAX):
        if o.sources[i].used < oldest.used:
            oldest = &o.sources[i]
    memset(oldest, 0, sizeof(Sealed))
    oldest.ssrc = ssrc
    oldest.highest = oldest.rtcp_highest = -1
    return oldest


cdef inline int seen(int64_t highest, uint64_t window, int64_t index) noexcept nogil:
    """Whether a packet was accepted before, or is too old to tell."""
    cdef int64_t back = highest - index
    return back >= REORDER_WINDOW or (back >= 0 and (window >> back) & 1)


cdef inline void accept(int64_t *highest, uint64_t *window, int64_t index) noexcept nogil:
    cdef int64_t ahead = index - highest[0]
    if ahead <= 0:
        window[0] |= <uint64_t> 1 << -ahead
        return
    window[0] = 1 if highest[0] < 0 or ahead >= REORDER_WINDOW else (window[0] << ahead) | 1
    highest[0] = index


cdef inline int64_t guess(int64_t highest, uint16_t seq) noexcept nogil:
    """The index of a sequence number that is nearest to the newest (RFC 3711 appendix A)."""
    cdef int64_t roc = highest >> 16
    cdef int newest = <int> (highest & 0xFFFF)
    if highest < 0:
        return seq
    if newest < HALF and seq - newest > HALF:
        roc -= 1
    elif newest >= HALF and newest - HALF > seq:
        roc += 1
    return roc * 65536 + seq


cdef int open_at(
    const Keys *keys, const uint8_t *data, int at, int size, int64_t index, uint8_t *out
) noexcept nogil:
    """Whether an RTP packet is authentic at this index; `out` holds it then. `size` is without tag.
    """
    cdef const Key *k = &keys.rtp
    cdef uint8_t iv[16]
    cdef uint8_t mac[MAC_KEY_BYTES]
    cdef uint8_t roc[4]
    cdef uint32_t ssrc = be32(data + 8), high = <uint32_t> (index >> 16)
    if keys.gcm:
        gcm_iv(k, ssrc, high, <uint16_t> index, &iv[0])
        if not evp_open(k.evp, k.cipher, &iv[0], data, at, NULL, 0, data + at, size - at, out + at):
            return 0
    else:
        put32(&roc[0], high)
        if not evp_mac(k.evp, k.mac, data, size, &roc[0], 4, &mac[0]):
            return 0
        if not same(&mac[0], data + size + keys.mki_bytes, k.tag_bytes):
            return 0
        counter_iv(k, ssrc, high, <uint16_t> index, &iv[0])
        if not evp_ctr(k.evp, k.cipher, &iv[0], data + at, size - at, out + at):
            return 0
    memcpy(out, data, at)
    return 1


cdef int rtp_open(Opener *o, const uint8_t *data, int size, uint8_t *out) noexcept nogil:
    cdef int at = header_of(data, size)
    cdef int plain = size - o.keys.rtp.tag_bytes - o.keys.mki_bytes
    cdef uint16_t seq
    cdef uint32_t ssrc
    cdef Sealed *s
    cdef int64_t index
    cdef int anew
    if not at or at > plain:
        return FAILED
    seq = <uint16_t> ((data[2] << 8) | data[3])
    ssrc = be32(data + 8)
    s = source_of(o, ssrc)
    anew = s != NULL and s.rekeyed & RTP
    index = guess(s.highest, seq) if s != NULL else seq
    if index < 0 and anew:
        index = seq
    if index < 0 or (s != NULL and not anew and seen(s.highest, s.window, index)):
        return REPLAYED
    if not open_at(&o.keys, data, at, plain, index, out):
        index = seq
        if not anew or not open_at(&o.keys, data, at, plain, index, out):
            return FAILED
    if s == NULL:
        s = source_new(o, ssrc)
    elif anew and seen(s.highest, s.window, index):
        s.highest = -1  # counters that began anew with the keys
    s.rekeyed &= ~RTP
    accept(&s.highest, &s.window, index)
    o.clock += 1
    s.used = o.clock
    return plain


cdef int rtcp_open(Opener *o, const uint8_t *data, int size, uint8_t *out) noexcept nogil:
    """RFC 3711 3.4: header, text, [GCM's tag,] E and index, [MKI,] [tag]."""
    cdef const Key *k = &o.keys.rtcp
    cdef uint8_t iv[16]
    cdef uint8_t mac[MAC_KEY_BYTES]
    cdef int plain = size - k.tag_bytes - o.keys.mki_bytes - INDEX_BYTES
    cdef int word = plain + GCM_TAG_BYTES if o.keys.gcm else plain
    cdef uint32_t ssrc, index
    cdef Sealed *s
    cdef int anew
    if plain < RTCP_HEADER_BYTES or size > DATAGRAM_BYTES_MAX or not data[word] & ENCRYPTED:
        return FAILED  # nobody agreed on RTCP in the clear (RFC 4568 6.3.2)
    index = be32(data + word) & 0x7FFFFFFF
    ssrc = be32(data + 4)
    s = source_of(o, ssrc)
    anew = s != NULL and s.rekeyed & RTCP
    if s != NULL and not anew and seen(s.rtcp_highest, s.rtcp_window, index):
        return REPLAYED
    if o.keys.gcm:
        gcm_iv(k, ssrc, index >> 16, <uint16_t> index, &iv[0])
        if not evp_open(
            k.evp, k.cipher, &iv[0], data, RTCP_HEADER_BYTES, data + word, INDEX_BYTES,
            data + RTCP_HEADER_BYTES, plain - RTCP_HEADER_BYTES, out + RTCP_HEADER_BYTES,
        ):
            return FAILED
    else:
        if not evp_mac(k.evp, k.mac, data, plain + INDEX_BYTES, NULL, 0, &mac[0]):
            return FAILED
        if not same(&mac[0], data + plain + INDEX_BYTES + o.keys.mki_bytes, k.tag_bytes):
            return FAILED
        counter_iv(k, ssrc, index >> 16, <uint16_t> index, &iv[0])
        if not evp_ctr(
            k.evp, k.cipher, &iv[0], data + RTCP_HEADER_BYTES, plain - RTCP_HEADER_BYTES,
            out + RTCP_HEADER_BYTES,
        ):
            return FAILED
    memcpy(out, data, RTCP_HEADER_BYTES)
    if s == NULL:
        s = source_new(o, ssrc)
    elif anew and seen(s.rtcp_highest, s.rtcp_window, index):
        s.rtcp_highest = -1
    s.rekeyed &= ~RTCP
    accept(&s.rtcp_highest, &s.rtcp_window, index)
    o.clock += 1
    s.used = o.clock
    return plain


cdef int srtp_open(Opener *o, const uint8_t *data, int size, uint8_t *out) noexcept nogil:
    """The RTP or RTCP packet in a datagram; its size, below 0 when it is dropped (and counted).

    `out` has DATAGRAM_BYTES_MAX octets.
    """
    cdef int plain
    if is_rtcp(data, size) and data[0] >> 6 == 2:
        plain = rtcp_open(o, data, size, out)
    else:
        plain = rtp_open(o, data, size, out)
    if plain == FAILED:
        o.failed += 1
    elif plain == REPLAYED:
        o.replayed += 1
    return plain


cdef class SrtpOpener:
    """What one side receives, without a stream."""

    def __cinit__(self, keys):
        memset(&self.state, 0, sizeof(Opener))
        srtp_keys(&self.state.keys, keys, 1)

    def __dealloc__(self):
        srtp_forget(&self.state.keys)

    def rekey(self, keys):
        cdef Keys fresh, before = self.state.keys
        srtp_keys(&fresh, keys, 1)
        srtp_rekey(&self.state, &fresh)
        srtp_forget(&before)

    def open(self, const uint8_t[::1] packet not None):
        cdef int size = <int> min(packet.shape[0], DATAGRAM_BYTES_MAX + 1)
        cdef uint8_t nothing = 0
        cdef const uint8_t *start = &packet[0] if size else &nothing
        cdef int plain = srtp_open(&self.state, start, size, &self.out[0])
        return <bytes> self.out[:plain] if plain >= 0 else None

    @property
    def failed(self):
        return self.state.failed

    @property
    def replayed(self):
        return self.state.replayed
