"""See the stub.

The socket must have IP_RECVERR set for `errors` to say whom an ICMP message was about.
"""

from libc.errno cimport EAGAIN, EINTR, ENOBUFS, errno
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE 1
    #endif
    #include <errno.h>
    #include <sys/socket.h>
    #include <netinet/in.h>
    #include <arpa/inet.h>
    #include <linux/errqueue.h>

    /* errno of a queued ICMP error that means "nobody there"; 0 for path MTU and the like. */
    static int error_number(struct msghdr *message) {
        struct cmsghdr *c;
        for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) {
                const struct sock_extended_err *e = (const struct sock_extended_err *)CMSG_DATA(c);
                int n = (int)e->ee_errno;
                if (e->ee_origin == SO_EE_ORIGIN_ICMP
                    && (n == ECONNREFUSED || n == EHOSTUNREACH || n == ENETUNREACH))
                    return n;
            }
        }
        return 0;
    }
    """

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        uint32_t s_addr
    struct sockaddr_in:
        unsigned short sin_family
        uint16_t sin_port
        in_addr sin_addr
    uint16_t htons(uint16_t)
    uint16_t ntohs(uint16_t)
    int inet_pton(int family, const char* text, void* out)
    int AF_INET

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

cdef enum:
    ERRORS_MAX = 1024

BATCH_MAX = BATCH


cdef class Batch:
    """See the stub."""

    def __cinit__(self, int fd, int flow=0) -> None:
        self.fd = fd
        self.flow = flow
        self.hosts = {}
        self.numbers = {}
        # Untouched pages cost nothing: only datagrams that are as large fill it.
        self.room = <unsigned char*> malloc(BATCH * DATAGRAM_BYTES)
        if self.room == NULL:
            raise MemoryError

    def __dealloc__(self) -> None:
        free(self.room)

    cdef object address(self, uint64_t number):
        found = self.hosts.get(number)
        if found is None:
            if len(self.hosts) >= ADDRESSES:
                self.hosts.clear()
            a, b, c, d = [<int> (number >> shift) & 0xFF for shift in (40, 32, 24, 16)]
            found = (f"{a}.{b}.{c}.{d}", <int> (number & 0xFFFF), self.flow)
            self.hosts[number] = found
        return found

    cdef uint64_t number(self, object address) except? 0:
        cdef unsigned char[4] raw
        found = self.numbers.get(address)
        if found is None:
            host, port, _ = address
            if len(self.numbers) >= ADDRESSES:
                self.numbers.clear()
            if not 0 < port < 65536:
                raise ValueError(f"not a port: {port}")
            if inet_pton(AF_INET, host.encode(), raw) != 1:
                raise ValueError(f"not an address: {host}")
            found = int.from_bytes(raw[:4], "big") << 16 | port
            self.numbers[address] = found
        return found

    def receive(self) -> list:
        """See the stub."""
        cdef mmsghdr[BATCH] messages
        cdef iovec[BATCH] parts
        cdef sockaddr_in[BATCH] names
        cdef int i, n
        cdef unsigned char* raw
        cdef uint64_t who
        memset(messages, 0, sizeof(messages))
        for i in range(BATCH):
            parts[i].iov_base = self.room + i * DATAGRAM_BYTES
            parts[i].iov_len = DATAGRAM_BYTES
            messages[i].msg_hdr.msg_iov = &parts[i]
            messages[i].msg_hdr.msg_iovlen = 1
            messages[i].msg_hdr.msg_name = &names[i]
            messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_in)
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
            raw = <unsigned char*> &names[i].sin_addr.s_addr
            who = raw[0] << 24 | raw[1] << 16 | raw[2] << 8 | raw[3]
            who = (who & 0xFFFFFFFF) << 16 | ntohs(names[i].sin_port)
            data = PyBytes_FromStringAndSize(<char*> parts[i].iov_base, messages[i].msg_len)
            out.append((data, self.address(who)))
        self.received += n
        return out

    def send(self, list datagrams not None, Py_ssize_t first=0) -> int:
        """See the stub."""
        cdef mmsghdr[BATCH] messages
        cdef iovec[BATCH] parts
        cdef sockaddr_in[BATCH] names
        cdef int i, n, done
        cdef unsigned char* raw
        cdef uint64_t who
        cdef Py_ssize_t total = len(datagrams)
        cdef Py_ssize_t stuck = -1
        cdef bytes data
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
                memset(&names[n], 0, sizeof(sockaddr_in))
                names[n].sin_family = <unsigned short> AF_INET
                names[n].sin_port = htons(<uint16_t> (who & 0xFFFF))
                raw = <unsigned char*> &names[n].sin_addr.s_addr
                for i in range(4):
                    raw[i] = (who >> (40 - 8 * i)) & 0xFF
                parts[n].iov_base = PyBytes_AS_STRING(data)
                parts[n].iov_len = PyBytes_GET_SIZE(data)
                messages[n].msg_hdr.msg_iov = &parts[n]
                messages[n].msg_hdr.msg_iovlen = 1
                messages[n].msg_hdr.msg_name = &names[n]
                messages[n].msg_hdr.msg_namelen = sizeof(sockaddr_in)
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
        cdef sockaddr_in name
        cdef char[16] data
        cdef char[512] control
        cdef unsigned char* raw
        cdef uint64_t who
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
            if code == 0 or message.msg_namelen < sizeof(name):
                continue
            raw = <unsigned char*> &name.sin_addr.s_addr
            who = raw[0] << 24 | raw[1] << 16 | raw[2] << 8 | raw[3]
            who = (who & 0xFFFFFFFF) << 16 | ntohs(name.sin_port)
            out.append((self.address(who), code))
        self.refused = False
        return out

    @property
    def troubled(self) -> bool:
        """Whether a call has failed since `errors` was read."""
        return self.refused
