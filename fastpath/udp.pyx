"""See the stub.

The socket must have IP_RECVERR (IPV6_RECVERR) set for `errors` to say whom an ICMP message was
about. An address is kept as its raw bytes and port, 6 or 18 of them, whichever family it is.
"""

from libc.errno cimport EAGAIN, EINTR, ENOBUFS, errno
from libc.stdint cimport uint16_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE 1
    #endif
    #include <errno.h>
    #include <string.h>
    #include <sys/socket.h>
    #include <netinet/in.h>
    #include <arpa/inet.h>
    #include <linux/errqueue.h>

    /* errno of a queued ICMP error that means "nobody there"; 0 for path MTU and the like. */
    static int error_number(struct msghdr *message) {
        struct cmsghdr *c;
        for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
            if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR)
                || (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
                const struct sock_extended_err *e = (const struct sock_extended_err *)CMSG_DATA(c);
                int n = (int)e->ee_errno;
                int icmp = e->ee_origin == SO_EE_ORIGIN_ICMP || e->ee_origin == SO_EE_ORIGIN_ICMP6;
                /* ICMPv6 "administratively prohibited" and "port unreachable" (RFC 4443 3.1) */
                if (icmp && (n == ECONNREFUSED || n == EHOSTUNREACH || n == ENETUNREACH
                             || (n == EACCES && e->ee_origin == SO_EE_ORIGIN_ICMP6)))
                    return n;
            }
        }
        return 0;
    }

    union any_name { struct sockaddr_in v4; struct sockaddr_in6 v6; };

    /* Raw address and port of a name, one after the other: 6 or 18 bytes. */
    static void pack_name(const void *name, int v6, unsigned char *out) {
        const union any_name *n = (const union any_name *)name;
        if (v6) {
            memcpy(out, &n->v6.sin6_addr, 16);
            memcpy(out + 16, &n->v6.sin6_port, 2);
        } else {
            memcpy(out, &n->v4.sin_addr, 4);
            memcpy(out + 4, &n->v4.sin_port, 2);
        }
    }

    static unsigned int unpack_name(void *name, int v6, const unsigned char *raw) {
        union any_name *n = (union any_name *)name;
        memset(n, 0, sizeof *n);
        if (v6) {
            n->v6.sin6_family = AF_INET6;
            memcpy(&n->v6.sin6_addr, raw, 16);
            memcpy(&n->v6.sin6_port, raw + 16, 2);
            return sizeof n->v6;
        }
        n->v4.sin_family = AF_INET;
        memcpy(&n->v4.sin_addr, raw, 4);
        memcpy(&n->v4.sin_port, raw + 4, 2);
        return sizeof n->v4;
    }
    """
    union any_name:
        pass

cdef extern from "<netinet/in.h>" nogil:
    uint16_t htons(uint16_t)
    uint16_t ntohs(uint16_t)
    int inet_pton(int family, const char* text, void* out)
    const char* inet_ntop(int family, const void* raw, char* text, unsigned int size)
    int AF_INET
    int AF_INET6

cdef extern from "<sys/socket.h>" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len
    struct msghdr:
        void* msg_name
        unsigned int msg_namelen
        iovec* msg_iov
        size_t msg_iovlen
        void* msg_control
        size_t msg_controllen
        int msg_flags
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    int recvmmsg(int fd, mmsghdr* vector, unsigned int n, int flags, void* timeout)
    int sendmmsg(int fd, mmsghdr* vector, unsigned int n, int flags)
    Py_ssize_t recvmsg(int fd, msghdr* message, int flags)
    int MSG_DONTWAIT
    int MSG_ERRQUEUE
    int MSG_TRUNC

cdef extern from * nogil:
    int error_number(msghdr* message)
    void pack_name(const void* name, int v6, unsigned char* out)
    unsigned int unpack_name(void* name, int v6, const unsigned char* raw)

cdef enum:
    ERRORS_MAX = 1024
    KEY_BYTES = 18
    TEXT_BYTES = 64

BATCH_MAX = BATCH


cdef class Batch:
    """See the stub."""

    def __cinit__(self, int fd, int flow=0, bint v6=False) -> None:
        self.fd = fd
        self.flow = flow
        self.v6 = v6
        self.family = AF_INET6 if v6 else AF_INET
        self.host_bytes = 16 if v6 else 4
        self.hosts = {}
        self.numbers = {}
        # Untouched pages cost nothing: only datagrams that are as large fill it.
        self.room = <unsigned char*> malloc(BATCH * DATAGRAM_BYTES)
        if self.room == NULL:
            raise MemoryError

    def __dealloc__(self) -> None:
        free(self.room)

    cdef object address(self, const void* name):
        cdef unsigned char[KEY_BYTES] raw
        cdef char[TEXT_BYTES] text
        cdef uint16_t port
        pack_name(name, self.v6, raw)
        key = PyBytes_FromStringAndSize(<char*> raw, self.host_bytes + 2)
        found = self.hosts.get(key)
        if found is None:
            if len(self.hosts) >= ADDRESSES:
                self.hosts.clear()
            inet_ntop(self.family, raw, text, TEXT_BYTES)
            memcpy(&port, raw + self.host_bytes, 2)
            found = ((<bytes> text).decode("ascii"), ntohs(port), self.flow)
            self.hosts[key] = found
        return found

    cdef bytes number(self, object address):
        cdef unsigned char[KEY_BYTES] raw
        cdef uint16_t port
        found = self.numbers.get(address)
        if found is None:
            host, number, _ = address
            if len(self.numbers) >= ADDRESSES:
                self.numbers.clear()
            if not 0 < number < 65536:
                raise ValueError(f"not a port: {number}")
            if inet_pton(self.family, host.encode(), raw) != 1:
                raise ValueError(f"not an address: {host}")
            port = htons(<uint16_t> number)
            memcpy(raw + self.host_bytes, &port, 2)
            found = PyBytes_FromStringAndSize(<char*> raw, self.host_bytes + 2)
            self.numbers[address] = found
        return found

    def receive(self) -> list:
        """See the stub."""
        cdef mmsghdr[BATCH] messages
        cdef iovec[BATCH] parts
        cdef any_name[BATCH] names
        cdef int i, n
        memset(messages, 0, sizeof(messages))
        for i in range(BATCH):
            parts[i].iov_base = self.room + i * DATAGRAM_BYTES
            parts[i].iov_len = DATAGRAM_BYTES
            messages[i].msg_hdr.msg_iov = &parts[i]
            messages[i].msg_hdr.msg_iovlen = 1
            messages[i].msg_hdr.msg_name = &names[i]
            messages[i].msg_hdr.msg_namelen = sizeof(any_name)
        n = recvmmsg(self.fd, messages, BATCH, MSG_DONTWAIT, NULL)
        self.receive_calls += 1
        if n < 0:
            if errno != EAGAIN and errno != EINTR:
                self.refused = True
            return []
        out = []
        for i in range(n):
            if messages[i].msg_hdr.msg_flags & MSG_TRUNC:
                self.truncated += 1
                continue
            data = PyBytes_FromStringAndSize(<char*> parts[i].iov_base, messages[i].msg_len)
            out.append((data, self.address(&names[i])))
        self.received += n
        return out

    def send(self, list datagrams not None, Py_ssize_t first=0) -> int:
        """See the stub."""
        cdef mmsghdr[BATCH] messages
        cdef iovec[BATCH] parts
        cdef any_name[BATCH] names
        cdef int n, done
        cdef Py_ssize_t total = len(datagrams)
        cdef Py_ssize_t stuck = -1
        cdef bytes data, who
        while first < total:
            n = 0
            while n < BATCH and first + n < total:
                data, target = datagrams[first + n]
                try:
                    who = self.number(target)
                except (AttributeError, TypeError, ValueError):
                    # Not an address: this one datagram is lost, and the ones before it go first.
                    if n == 0:
                        self.failed += 1
                        first += 1
                        continue
                    break
                memset(&messages[n], 0, sizeof(mmsghdr))
                parts[n].iov_base = PyBytes_AS_STRING(data)
                parts[n].iov_len = PyBytes_GET_SIZE(data)
                messages[n].msg_hdr.msg_iov = &parts[n]
                messages[n].msg_hdr.msg_iovlen = 1
                messages[n].msg_hdr.msg_name = &names[n]
                messages[n].msg_hdr.msg_namelen = unpack_name(
                    &names[n], self.v6, <unsigned char*> PyBytes_AS_STRING(who)
                )
                n += 1
            if n == 0:
                break
            done = sendmmsg(self.fd, messages, n, MSG_DONTWAIT)
            self.send_calls += 1
            if done > 0:
                self.sent += done
                first += done
            elif errno == EAGAIN or errno == ENOBUFS:
                self.blocked += 1
                break
            elif errno != EINTR:
                # A waiting ICMP error is told once, by whatever comes next: the datagram may be
                # innocent.
                self.refused = True
                if stuck == first:
                    self.failed += 1
                    first += 1
                else:
                    stuck = first
        return first

    def errors(self) -> list:
        """See the stub."""
        cdef msghdr message
        cdef iovec part
        cdef any_name name
        cdef char[16] data
        cdef char[512] control
        cdef int _i, code
        out = []
        for _i in range(ERRORS_MAX):
            memset(&message, 0, sizeof(message))
            part.iov_base = data
            part.iov_len = sizeof(data)
            message.msg_iov = &part
            message.msg_iovlen = 1
            message.msg_name = &name
            message.msg_namelen = sizeof(name)
            message.msg_control = control
            message.msg_controllen = sizeof(control)
            if recvmsg(self.fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0:
                break
            code = error_number(&message)
            if code == 0 or message.msg_namelen == 0:
                continue
            out.append((self.address(&name), code))
        self.refused = False
        return out

    @property
    def troubled(self) -> bool:
        """Whether a call has failed since `errors` was read."""
        return self.refused
