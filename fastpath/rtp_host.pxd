"""IP addresses of both families as one number of 128 bits, so that they compare in one step.

IPv4 is mapped as in RFC 4291 section 2.5.5.2 (::ffff:a.b.c.d). 0 is none: "0.0.0.0" and "::", which
an SDP says for a peer on hold.
"""

cdef extern from * nogil:
    """
    #include <arpa/inet.h>
    #include <netinet/in.h>
    #include <string.h>

    #ifndef DL_HOST
    #define DL_HOST
    typedef unsigned __int128 dl_host;
    typedef union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } dl_place;

    static inline socklen_t dl_place_of(dl_place *to, int v6, dl_host host, uint16_t port) {
        int i;
        memset(to, 0, sizeof *to);
        if (!v6) {
            to->v4.sin_family = AF_INET;
            to->v4.sin_addr.s_addr = htonl((uint32_t) host);
            to->v4.sin_port = htons(port);
            return sizeof to->v4;
        }
        to->v6.sin6_family = AF_INET6;
        to->v6.sin6_port = htons(port);
        for (i = 0; i < 16; i++)
            to->v6.sin6_addr.s6_addr[15 - i] = (uint8_t) (host >> (8 * i));
        return sizeof to->v6;
    }
    static inline dl_host dl_host_of6(const struct in6_addr *from) {
        dl_host host = 0;
        int i;
        for (i = 0; i < 16; i++)
            host = host << 8 | from->s6_addr[i];
        return host;
    }
    static inline dl_host dl_host_of4(struct in_addr from) {
        return (dl_host) 0xffff << 32 | ntohl(from.s_addr);
    }
    static inline int dl_is_v6(dl_host host) {
        return host != 0 && host >> 32 != 0xffff;
    }
    /* Whether the text is an address; without a zone. */
    static inline int dl_host_read(const char *text, dl_host *host) {
        struct in_addr v4;
        struct in6_addr v6;
        if (inet_pton(AF_INET, text, &v4) == 1)
            *host = v4.s_addr ? dl_host_of4(v4) : 0;
        else if (inet_pton(AF_INET6, text, &v6) == 1)
            *host = dl_host_of6(&v6);
        else
            return 0;
        return 1;
    }
    static inline const char *dl_host_write(dl_host host, char *text) {
        dl_place place;
        if (dl_is_v6(host)) {
            dl_place_of(&place, 1, host, 0);
            return inet_ntop(AF_INET6, &place.v6.sin6_addr, text, INET6_ADDRSTRLEN);
        }
        dl_place_of(&place, 0, host, 0);
        return inet_ntop(AF_INET, &place.v4.sin_addr, text, INET6_ADDRSTRLEN);
    }
    /* No multicast, no broadcast. */
    static inline int dl_one_host(dl_host host) {
        return dl_is_v6(host) ? host >> 120 != 0xff : (uint32_t) host >> 28 < 14;
    }
    #endif
    """
    ctypedef unsigned long long Host "dl_host"  # wider than Cython thinks: compared and copied only
    int host_read "dl_host_read"(const char *text, Host *host)
    const char *host_write "dl_host_write"(Host host, char *text)
    int is_v6 "dl_is_v6"(Host host)
    int is_one_host "dl_one_host"(Host host)

cdef Host host_of(str text) except? 0
cdef str host_text(Host host)
