"""SRTP keys of one direction, ready for packets."""

from libc.stdint cimport uint8_t

from fastpath.srtp_evp cimport Evp

cdef enum:
    MAC_KEY_BYTES = 20
    GCM_TAG_BYTES = 16

cdef struct Key:  # for RTP or for RTCP
    const Evp *evp
    void *cipher  # EVP_CIPHER_CTX
    void *mac  # of evp_hmac; NULL with GCM
    uint8_t salt[14]
    uint8_t tag_bytes

cdef struct Keys:  # `rtp.cipher` NULL: none
    Key rtp
    Key rtcp
    uint8_t gcm
    uint8_t mki_bytes  # behind each packet: passed over

cdef int srtp_keys(Keys *into, object keys, int opens) except -1
cdef void srtp_forget(Keys *keys) noexcept nogil
