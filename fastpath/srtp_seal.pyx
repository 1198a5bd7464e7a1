# cython: auto_pickle=False, autotestdict=False
"""SRTP and SRTCP as one side sends it. Packets come in the order of their sequence numbers.

The index of a packet is its sequence number and how often that rolled over (RFC 3711 3.3.1). New
keys leave the counters alone.
"""

from libc.string cimport memcpy, memset

from fastpath.rtp_limits cimport DATAGRAM_BYTES_MAX
from fastpath.srtp_evp cimport evp_ctr, evp_mac, evp_seal
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
    RTCP_HEADER_BYTES,
    be32,
    counter_iv,
    gcm_iv,
    header_of,
    is_rtcp,
    put32,
)


cdef int srtp_seal(Sealer *s, const uint8_t *data, int size, uint8_t *out) noexcept nogil:
    """Protect an RTP packet of ours; its size, -1 when that failed: it must not be sent then.

    `out` has room for SRTP_EXTRA_MAX octets more than `data`. Packets come in the order of their
    sequence numbers.
    """
    cdef const Key *k = &s.keys.rtp
    cdef uint8_t iv[16]
    cdef uint8_t mac[MAC_KEY_BYTES]
    cdef uint8_t roc[4]
    cdef int at = header_of(data, size)
    cdef uint16_t seq
    cdef uint32_t ssrc
    if not at or k.cipher == NULL:
        return FAILED
    seq = <uint16_t> ((data[2] << 8) | data[3])
    ssrc = be32(data + 8)
    if s.started and seq < s.seq and s.seq - seq > HALF:
        s.roc += 1
    s.seq = seq
    s.started = 1
    memcpy(out, data, at)
    if s.keys.gcm:
        gcm_iv(k, ssrc, s.roc, seq, &iv[0])
        if not evp_seal(k.evp, k.cipher, &iv[0], data, at, NULL, 0, data + at, size - at, out + at):
            return FAILED
        return size + GCM_TAG_BYTES
    counter_iv(k, ssrc, s.roc, seq, &iv[0])
    put32(&roc[0], s.roc)
    if not evp_ctr(k.evp, k.cipher, &iv[0], data + at, size - at, out + at):
        return FAILED
    if not evp_mac(k.evp, k.mac, out, size, &roc[0], 4, &mac[0]):
        return FAILED
    memcpy(out + size, &mac[0], k.tag_bytes)
    return size + k.tag_bytes


cdef int srtcp_seal(Sealer *s, const uint8_t *data, int size, uint8_t *out) noexcept nogil:
    """Protect an RTCP packet of ours (RFC 3711 3.4, RFC 7714 9); its size, -1 when that failed."""
    cdef const Key *k = &s.keys.rtcp
    cdef uint8_t iv[16]
    cdef uint8_t mac[MAC_KEY_BYTES]
    cdef uint8_t index[INDEX_BYTES]
    cdef int body = size - RTCP_HEADER_BYTES
    cdef uint32_t ssrc
    if not is_rtcp(data, size) or size > DATAGRAM_BYTES_MAX or k.cipher == NULL:
        return FAILED
    s.rtcp_index = (s.rtcp_index + 1) & 0x7FFFFFFF
    ssrc = be32(data + 4)
    put32(&index[0], s.rtcp_index)
    index[0] |= ENCRYPTED
    memcpy(out, data, RTCP_HEADER_BYTES)
    if s.keys.gcm:
        gcm_iv(k, ssrc, s.rtcp_index >> 16, <uint16_t> s.rtcp_index, &iv[0])
        if not evp_seal(
            k.evp, k.cipher, &iv[0], data, RTCP_HEADER_BYTES, &index[0], INDEX_BYTES,
            data + RTCP_HEADER_BYTES, body, out + RTCP_HEADER_BYTES,
        ):
            return FAILED
        memcpy(out + size + GCM_TAG_BYTES, &index[0], INDEX_BYTES)
        return size + GCM_TAG_BYTES + INDEX_BYTES
    counter_iv(k, ssrc, s.rtcp_index >> 16, <uint16_t> s.rtcp_index, &iv[0])
    if not evp_ctr(
        k.evp, k.cipher, &iv[0], data + RTCP_HEADER_BYTES, body, out + RTCP_HEADER_BYTES
    ):
        return FAILED
    memcpy(out + size, &index[0], INDEX_BYTES)
    if not evp_mac(k.evp, k.mac, out, size + INDEX_BYTES, NULL, 0, &mac[0]):
        return FAILED
    memcpy(out + size + INDEX_BYTES, &mac[0], k.tag_bytes)
    return size + INDEX_BYTES + k.tag_bytes


cdef class SrtpSealer:
    """What one side sends, without a stream."""

    def __cinit__(self, keys):
        memset(&self.state, 0, sizeof(Sealer))
        srtp_keys(&self.state.keys, keys, 0)

    def __dealloc__(self):
        srtp_forget(&self.state.keys)

    def rekey(self, keys):
        cdef Keys fresh
        srtp_keys(&fresh, keys, 0)
        srtp_forget(&self.state.keys)
        self.state.keys = fresh

    def seal(self, const uint8_t[::1] packet not None):
        cdef int size = <int> min(packet.shape[0], DATAGRAM_BYTES_MAX + 1)
        cdef int done = FAILED
        if 0 < size <= DATAGRAM_BYTES_MAX:
            if is_rtcp(&packet[0], size):
                done = srtcp_seal(&self.state, &packet[0], size, &self.out[0])
            else:
                done = srtp_seal(&self.state, &packet[0], size, &self.out[0])
        if done < 0:
            raise ValueError("not an RTP or RTCP packet")
        return <bytes> self.out[:done]
