# cython: auto_pickle=False, autotestdict=False
"""Packet keys from master keys, once for each direction (RFC 3711 section 4.3).

RFC 6188 adds master keys of 256 bits, RFC 7714 section 11 the shorter salt of GCM.
"""

from collections import namedtuple

from libc.string cimport memcpy, memset

from fastpath.srtp_evp cimport (
    evp_ctr,
    evp_free,
    evp_hmac,
    evp_hmac_free,
    evp_keyed,
    evp_load,
)

SrtpKeys = namedtuple("SrtpKeys", ("suite", "key", "mki_bytes"), defaults=(0,))
SessionKeys = namedtuple("SessionKeys", ("suite", "key", "salt", "mac_key"))

# suite -> master key and master salt octets, RTP tag octets, GCM; an RTCP tag has 10, or GCM's 16
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14, 10, False),
    "AES_CM_128_HMAC_SHA1_32": (16, 14, 4, False),
    "AEAD_AES_128_GCM": (16, 12, 16, True),
    "AEAD_AES_256_GCM": (32, 12, 16, True),
}

cdef enum:
    MKI_BYTES_MAX = 128  # RFC 4568 section 6.1
    RTCP_TAG_BYTES = 10


cdef int derive(
    const Evp *evp, void *prf, const uint8_t *salt, int label, uint8_t *out, int bytes
) noexcept nogil:
    """RFC 3711 section 4.3.3 with a key derivation rate of 0."""
    cdef uint8_t iv[16]
    cdef uint8_t zeros[32]
    memset(&zeros[0], 0, sizeof(zeros))
    memcpy(&iv[0], salt, 14)
    iv[14] = iv[15] = 0
    iv[7] ^= <uint8_t> label
    return evp_ctr(evp, prf, &iv[0], &zeros[0], bytes, out)


cdef int key_set(
    Key *k,
    const Evp *evp,
    const uint8_t *key,
    int key_bytes,
    const uint8_t *salt,
    const uint8_t *mac,
    int gcm,
    int opens,
) noexcept nogil:
    """Ready ciphers for keys already derived; 0 when the library refuses."""
    memcpy(&k.salt[0], salt, 12 if gcm else 14)
    k.evp = evp
    k.cipher = evp_keyed(evp, key, key_bytes, gcm, opens)
    if not gcm:
        k.mac = evp_hmac(evp, mac, MAC_KEY_BYTES)
    return k.cipher != NULL and (gcm or k.mac != NULL)


cdef int key_derive(
    Key *k,
    const Evp *evp,
    void *prf,
    const uint8_t *master_salt,
    int first,
    int key_bytes,
    int gcm,
    int opens,
) noexcept nogil:
    """The keys of RTP (labels from 0) or RTCP (from 3); 0 when the library refuses."""
    cdef uint8_t key[32]
    cdef uint8_t mac[MAC_KEY_BYTES]
    cdef uint8_t salt[14]
    cdef int done = (
        prf != NULL
        and derive(evp, prf, master_salt, first, &key[0], key_bytes)
        and derive(evp, prf, master_salt, first + 1, &mac[0], MAC_KEY_BYTES)
        and derive(evp, prf, master_salt, first + 2, &salt[0], sizeof(salt))
        and key_set(k, evp, &key[0], key_bytes, &salt[0], &mac[0], gcm, opens)
    )
    memset(&mac[0], 0, sizeof(mac))
    memset(&key[0], 0, sizeof(key))
    return done


cdef int srtp_keys(Keys *into, object keys, int opens) except -1:
    """Make the packet keys of a direction; give them back with srtp_forget.

    ValueError for keys of no suite, OSError without the library.
    """
    cdef uint8_t salt[14]
    cdef bytes master, second = b"", mac = b""
    cdef const uint8_t *raw
    cdef void *prf
    cdef const Evp *evp
    cdef int key_bytes, salt_bytes, tag_bytes, gcm, done
    cdef int ready = isinstance(keys, SessionKeys)
    memset(into, 0, sizeof(Keys))
    if ready:
        suite, master, second, mac = keys
        mki_bytes = 0
    else:
        suite, master, mki_bytes = keys
    if suite not in SUITES:
        raise ValueError(f"not an SRTP suite: {suite!r}")
    key_bytes, salt_bytes, tag_bytes, gcm = SUITES[suite]
    if len(master + second) != key_bytes + salt_bytes or not 0 <= mki_bytes <= MKI_BYTES_MAX:
        raise ValueError(f"not keys of {suite}: {key_bytes + salt_bytes} octets are needed")
    if ready and not gcm and len(mac) != MAC_KEY_BYTES:
        raise ValueError(f"not keys of {suite}: one of {MAC_KEY_BYTES} octets for HMAC is needed")
    evp = evp_load()
    if evp == NULL:
        raise OSError("SRTP needs OpenSSL 3 (libcrypto.so.3): apt-get install libssl3")
    master += second
    raw = master
    memset(&salt[0], 0, sizeof(salt))
    memcpy(&salt[0], raw + key_bytes, salt_bytes)
    into.gcm = gcm
    into.mki_bytes = mki_bytes
    into.rtp.tag_bytes = tag_bytes
    into.rtcp.tag_bytes = GCM_TAG_BYTES if gcm else RTCP_TAG_BYTES
    if ready:
        done = key_set(&into.rtp, evp, raw, key_bytes, &salt[0], mac, gcm, opens)
        done = done and key_set(&into.rtcp, evp, raw, key_bytes, &salt[0], mac, gcm, opens)
    else:
        prf = evp_keyed(evp, raw, key_bytes, 0, 0)
        done = key_derive(&into.rtp, evp, prf, &salt[0], 0, key_bytes, gcm, opens)
        done = done and key_derive(&into.rtcp, evp, prf, &salt[0], 3, key_bytes, gcm, opens)
        evp_free(evp, prf)
    if not done:
        srtp_forget(into)
        raise OSError(f"libcrypto refuses {suite}")
    return 0


cdef void srtp_forget(Keys *keys) noexcept nogil:
    evp_free(keys.rtp.evp, keys.rtp.cipher)
    evp_free(keys.rtcp.evp, keys.rtcp.cipher)
    evp_hmac_free(keys.rtp.mac)
    evp_hmac_free(keys.rtcp.mac)
    memset(keys, 0, sizeof(Keys))
