"""OpenSSL's EVP interface (libcrypto 3), found at run time.

It is loaded by its soname instead of being linked, so that neither its headers nor the library are
needed to build, or to run without SRTP. The declarations are those of OpenSSL 3's public ABI:
EVP_EncryptInit(3), SHA1(3).

HMAC-SHA1 (RFC 2104) is put together from SHA1_Update: EVP_MAC allocates twice for each packet, and
costs twice as much.
"""

from libc.stdint cimport uint8_t

cdef extern from * nogil:
    """
    #include <dlfcn.h>
    #include <stddef.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>

    typedef struct {
        unsigned int state[24]; /* SHA_CTX of sha.h */
    } dl_sha1;
    typedef struct {
        dl_sha1 inner, outer; /* behind the key's block */
    } dl_hmac;
    typedef int dl_update(void *, uint8_t *, int *, const uint8_t *, int);
    typedef int dl_final(void *, uint8_t *, int *);
    typedef int dl_init(void *, const void *, void *, const uint8_t *, const uint8_t *);

    typedef struct {
        unsigned long (*version)(void);
        void *(*ctx_new)(void);
        void (*ctx_free)(void *);
        int (*ctx_ctrl)(void *, int, int, void *);
        dl_init *encrypt_init, *decrypt_init;
        dl_update *encrypt_update, *decrypt_update;
        dl_final *encrypt_final, *decrypt_final;
        const void *(*aes_128_ctr)(void), *(*aes_256_ctr)(void);
        const void *(*aes_128_gcm)(void), *(*aes_256_gcm)(void);
        int (*sha1_init)(dl_sha1 *);
        int (*sha1_update)(dl_sha1 *, const void *, size_t);
        int (*sha1_final)(uint8_t *, dl_sha1 *);
        int complete;
    } dl_evp_table;

    /* The library's functions; NULL without it. Call with the GIL held: nothing else guards it. */
    static inline const dl_evp_table *dl_evp_load(void) {
        static dl_evp_table evp;
        const struct {const char *name; void *at;} wanted[] = {
            {"OpenSSL_version_num", &evp.version},
            {"EVP_CIPHER_CTX_new", &evp.ctx_new},
            {"EVP_CIPHER_CTX_free", &evp.ctx_free},
            {"EVP_CIPHER_CTX_ctrl", &evp.ctx_ctrl},
            {"EVP_EncryptInit_ex", &evp.encrypt_init},
            {"EVP_DecryptInit_ex", &evp.decrypt_init},
            {"EVP_EncryptUpdate", &evp.encrypt_update},
            {"EVP_DecryptUpdate", &evp.decrypt_update},
            {"EVP_EncryptFinal_ex", &evp.encrypt_final},
            {"EVP_DecryptFinal_ex", &evp.decrypt_final},
            {"EVP_aes_128_ctr", &evp.aes_128_ctr},
            {"EVP_aes_256_ctr", &evp.aes_256_ctr},
            {"EVP_aes_128_gcm", &evp.aes_128_gcm},
            {"EVP_aes_256_gcm", &evp.aes_256_gcm},
            {"SHA1_Init", &evp.sha1_init},
            {"SHA1_Update", &evp.sha1_update},
            {"SHA1_Final", &evp.sha1_final},
        };
        void *library, *found;
        size_t i;
        if (evp.complete)
            return &evp;
        library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            return NULL;
        for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
            found = dlsym(library, wanted[i].name);
            if (found == NULL)
                return NULL;
            *(void **) wanted[i].at = found;
        }
        evp.complete = 1;
        return &evp;
    }
    static inline const void *dl_evp_cipher(const dl_evp_table *evp, int key_bytes, int gcm) {
        if (gcm)
            return key_bytes == 32 ? evp->aes_256_gcm() : evp->aes_128_gcm();
        return key_bytes == 32 ? evp->aes_256_ctr() : evp->aes_128_ctr();
    }
    /* A keyed cipher; NULL when the library refuses. */
    static inline void *dl_evp_keyed(const dl_evp_table *evp, const uint8_t *key, int key_bytes,
                                     int gcm, int opens) {
        void *ctx = evp->ctx_new();
        dl_init *init = gcm && opens ? evp->decrypt_init : evp->encrypt_init;
        if (ctx != NULL && init(ctx, dl_evp_cipher(evp, key_bytes, gcm), NULL, key, NULL) == 1)
            return ctx;
        evp->ctx_free(ctx);
        return NULL;
    }
    /* A keyed HMAC-SHA1; NULL when the library refuses. */
    static inline void *dl_evp_hmac(const dl_evp_table *evp, const uint8_t *key, size_t bytes) {
        dl_hmac *mac = malloc(sizeof *mac);
        uint8_t in[64], out[64];
        size_t i;
        if (mac == NULL)
            return NULL;
        for (i = 0; i < 64; i++) {
            in[i] = (i < bytes ? key[i] : 0) ^ 0x36;
            out[i] = (i < bytes ? key[i] : 0) ^ 0x5c;
        }
        i = evp->sha1_init(&mac->inner) == 1 && evp->sha1_update(&mac->inner, in, 64) == 1
            && evp->sha1_init(&mac->outer) == 1 && evp->sha1_update(&mac->outer, out, 64) == 1;
        explicit_bzero(in, sizeof in);
        explicit_bzero(out, sizeof out);
        if (i)
            return mac;
        free(mac);
        return NULL;
    }
    static inline void dl_evp_free(const dl_evp_table *evp, void *ctx) {
        if (ctx != NULL)
            evp->ctx_free(ctx);
    }
    static inline void dl_evp_hmac_free(void *ctx) {
        if (ctx != NULL)
            explicit_bzero(ctx, sizeof(dl_hmac));
        free(ctx);
    }
    /* Counter mode, either way; 1 when it worked. */
    static inline int dl_evp_ctr(const dl_evp_table *evp, void *ctx, const uint8_t *iv,
                                 const uint8_t *in, int bytes, uint8_t *out) {
        int done;
        return evp->encrypt_init(ctx, NULL, NULL, NULL, iv) == 1
            && evp->encrypt_update(ctx, out, &done, in, bytes) == 1;
    }
    /* HMAC-SHA1 of two pieces with the key given before; 1 when it worked. */
    static inline int dl_evp_mac(const dl_evp_table *evp, void *ctx, const uint8_t *one,
                                 int one_bytes, const uint8_t *two, int two_bytes, uint8_t *out) {
        dl_hmac mac = *(const dl_hmac *) ctx;
        return evp->sha1_update(&mac.inner, one, (size_t) one_bytes) == 1
            && (two_bytes == 0 || evp->sha1_update(&mac.inner, two, (size_t) two_bytes) == 1)
            && evp->sha1_final(out, &mac.inner) == 1
            && evp->sha1_update(&mac.outer, out, 20) == 1
            && evp->sha1_final(out, &mac.outer) == 1;
    }
    /* GCM: `out` gets the text and then 16 octets of tag. The AAD may be in two pieces. */
    static inline int dl_evp_seal(const dl_evp_table *evp, void *ctx, const uint8_t *iv,
                                  const uint8_t *aad, int aad_bytes, const uint8_t *more,
                                  int more_bytes, const uint8_t *in, int bytes, uint8_t *out) {
        int done;
        return evp->encrypt_init(ctx, NULL, NULL, NULL, iv) == 1
            && evp->encrypt_update(ctx, NULL, &done, aad, aad_bytes) == 1
            && (more_bytes == 0 || evp->encrypt_update(ctx, NULL, &done, more, more_bytes) == 1)
            && (bytes == 0 || evp->encrypt_update(ctx, out, &done, in, bytes) == 1)
            && evp->encrypt_final(ctx, out + bytes, &done) == 1
            && evp->ctx_ctrl(ctx, 0x10 /* EVP_CTRL_AEAD_GET_TAG */, 16, out + bytes) == 1;
    }
    /* The other way: `in` is the text and then the tag; 1 when the tag is right. */
    static inline int dl_evp_open(const dl_evp_table *evp, void *ctx, const uint8_t *iv,
                                  const uint8_t *aad, int aad_bytes, const uint8_t *more,
                                  int more_bytes, const uint8_t *in, int bytes, uint8_t *out) {
        int done;
        return evp->decrypt_init(ctx, NULL, NULL, NULL, iv) == 1
            && evp->decrypt_update(ctx, NULL, &done, aad, aad_bytes) == 1
            && (more_bytes == 0 || evp->decrypt_update(ctx, NULL, &done, more, more_bytes) == 1)
            && (bytes == 0 || evp->decrypt_update(ctx, out, &done, in, bytes) == 1)
            && evp->ctx_ctrl(ctx, 0x11 /* EVP_CTRL_AEAD_SET_TAG */, 16, (void *) (in + bytes)) == 1
            && evp->decrypt_final(ctx, out + bytes, &done) == 1;
    }
    static inline int dl_same(const uint8_t *a, const uint8_t *b, int bytes) {
        uint8_t differ = 0;
        for (int i = 0; i < bytes; i++)
            differ |= a[i] ^ b[i];
        return differ == 0;
    }
    """
    ctypedef struct Evp "dl_evp_table":
        pass

    const Evp *evp_load "dl_evp_load"()
    void *evp_keyed "dl_evp_keyed"(
        const Evp *evp, const uint8_t *key, int key_bytes, int gcm, int opens
    )
    void *evp_hmac "dl_evp_hmac"(const Evp *evp, const uint8_t *key, size_t bytes)
    void evp_free "dl_evp_free"(const Evp *evp, void *ctx)
    void evp_hmac_free "dl_evp_hmac_free"(void *ctx)
    int evp_ctr "dl_evp_ctr"(
        const Evp *evp, void *ctx, const uint8_t *iv, const uint8_t *data, int bytes, uint8_t *out
    )
    int evp_mac "dl_evp_mac"(
        const Evp *evp, void *ctx, const uint8_t *one, int one_bytes, const uint8_t *two,
        int two_bytes, uint8_t *out
    )
    int evp_seal "dl_evp_seal"(
        const Evp *evp, void *ctx, const uint8_t *iv, const uint8_t *aad, int aad_bytes,
        const uint8_t *more, int more_bytes, const uint8_t *data, int bytes, uint8_t *out
    )
    int evp_open "dl_evp_open"(
        const Evp *evp, void *ctx, const uint8_t *iv, const uint8_t *aad, int aad_bytes,
        const uint8_t *more, int more_bytes, const uint8_t *data, int bytes, uint8_t *out
    )
    int same "dl_same"(const uint8_t *a, const uint8_t *b, int bytes)  # in constant time
