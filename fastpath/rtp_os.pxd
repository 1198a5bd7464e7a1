"""The system calls of the media engine: UDP with kernel arrival times, clocks, a thread."""

from libc.stdint cimport int64_t, uint8_t, uint16_t

from fastpath.rtp_host cimport Host

cdef extern from * nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <arpa/inet.h>
    #include <errno.h>
    #include <netinet/in.h>
    #include <netinet/ip.h>
    #include <pthread.h>
    #include <sched.h>
    #include <signal.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/eventfd.h>
    #include <sys/random.h>
    #include <sys/socket.h>
    #include <time.h>
    #include <unistd.h>

    /* A bound socket, or -errno. Never connected: no ICMP error may end a read or a write. */
    static inline int dl_udp_bind(const dl_place *at, socklen_t size, int buffer_bytes) {
        int tos = IPTOS_DSCP_EF, one = 1, v6 = at->any.sa_family == AF_INET6, error;
        int fd = socket(at->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes) == 0
            && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) == 0
            && (!v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0)
            && setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos,
                          sizeof tos) == 0
            && bind(fd, &at->any, size) == 0)
            return fd;
        error = errno;
        close(fd);
        return -error;
    }
    static inline int dl_udp_open(int v6, dl_host host, uint16_t port, int buffer_bytes) {
        dl_place at;
        return dl_udp_bind(&at, dl_place_of(&at, v6, host, port), buffer_bytes);
    }
    /* Another port of the address that a socket is bound to. */
    static inline int dl_udp_beside(int fd, uint16_t port, int buffer_bytes) {
        dl_place at;
        socklen_t size = sizeof at;
        if (getsockname(fd, &at.any, &size) < 0)
            return -errno;
        at.v4.sin_port = htons(port); /* it lies at the same place in both */
        return dl_udp_bind(&at, size, buffer_bytes);
    }
    static inline int dl_udp_is_v6(int fd) {
        dl_place at;
        socklen_t size = sizeof at;
        return getsockname(fd, &at.any, &size) == 0 && at.any.sa_family == AF_INET6;
    }
    /* Size of the datagram (it may exceed `room`: MSG_TRUNC) or -errno.
       `stamp_ns` is CLOCK_REALTIME, 0 if unknown. */
    static inline int dl_udp_receive(int fd, uint8_t *data, int room, dl_host *address,
                                     uint16_t *port, int64_t *stamp_ns) {
        dl_place from;
        struct iovec part = {data, (size_t) room};
        union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(struct timespec))]; } control;
        struct msghdr message = {&from, sizeof from, &part, 1, &control, sizeof control, 0};
        struct cmsghdr *c;
        ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
        if (size < 0)
            return -errno;
        *address = from.any.sa_family == AF_INET6 ? dl_host_of6(&from.v6.sin6_addr)
                                                  : dl_host_of4(from.v4.sin_addr);
        *port = ntohs(from.v4.sin_port); /* it lies at the same place in both */
        *stamp_ns = 0;
        c = CMSG_FIRSTHDR(&message);
        if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            *stamp_ns = (int64_t) stamp.tv_sec * 1000000000 + stamp.tv_nsec;
        }
        return (int) size;
    }
    static inline int dl_udp_send(int fd, const uint8_t *data, int size, dl_host address,
                                  uint16_t port) {
        dl_place to;
        socklen_t place = dl_place_of(&to, dl_is_v6(address), address, port);
        ssize_t sent = sendto(fd, data, (size_t) size, MSG_DONTWAIT, &to.any, place);
        return sent < 0 ? -errno : size;
    }
    static inline int64_t dl_clock(int which) {
        struct timespec t;
        clock_gettime(which, &t);
        return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
    }
    /* CLOCK_REALTIME - CLOCK_MONOTONIC of one moment: of the nearest two of a few readings, since
       between any two the core may be taken away. */
    static inline int64_t dl_wall_ahead(void) {
        int64_t before, wall, took, least = INT64_MAX, ahead = 0;
        for (int i = 0; i < 4 && least > 20000; i++) {
            before = dl_clock(CLOCK_MONOTONIC);
            wall = dl_clock(CLOCK_REALTIME);
            took = dl_clock(CLOCK_MONOTONIC) - before;
            if (took < least) {
                least = took;
                ahead = wall - before;
            }
        }
        return ahead;
    }
    static inline void dl_sleep_until(int64_t due_ns) {
        struct timespec t = {due_ns / 1000000000, due_ns % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
            ;
    }
    static inline int dl_wake_new(void) {
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    static inline void dl_wake(int fd) {
        uint64_t one = 1;
        if (write(fd, &one, sizeof one) < 0)
            return; /* full: it is readable already */
    }
    static inline void dl_wake_clear(int fd) {
        uint64_t many;
        if (read(fd, &many, sizeof many) < 0)
            return;
    }
    static inline int dl_random(void *into, int size) {
        return getrandom(into, (size_t) size, 0) == size ? 0 : -EIO;
    }
    /* Start a thread that no signal interrupts; with SCHED_FIFO at `priority` when that is
       allowed (0: not asked). */
    static inline int dl_thread(pthread_t *thread, void *(*run)(void *), void *argument,
                                int priority, int *refused) {
        struct sched_param wish = {.sched_priority = priority};
        pthread_attr_t how;
        sigset_t all, before;
        int error;
        *refused = 0;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_attr_init(&how);
        pthread_attr_setstacksize(&how, 1 << 20);
        if (priority > 0) {
            pthread_attr_setinheritsched(&how, PTHREAD_EXPLICIT_SCHED);
            pthread_attr_setschedpolicy(&how, SCHED_FIFO);
            pthread_attr_setschedparam(&how, &wish);
        }
        error = pthread_create(thread, &how, run, argument);
        if (error == EPERM && priority > 0) {
            *refused = 1;
            pthread_attr_setinheritsched(&how, PTHREAD_INHERIT_SCHED);
            error = pthread_create(thread, &how, run, argument);
        }
        pthread_attr_destroy(&how);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return error;
    }
    """
    ctypedef unsigned long pthread_t
    const int EAGAIN
    const int EINTR
    const int EADDRINUSE
    const int EACCES
    const int ENOBUFS
    const int CLOCK_MONOTONIC
    const int CLOCK_THREAD_CPUTIME_ID
    int udp_open "dl_udp_open"(int v6, Host host, uint16_t port, int buffer_bytes)
    int udp_beside "dl_udp_beside"(int fd, uint16_t port, int buffer_bytes)
    int udp_is_v6 "dl_udp_is_v6"(int fd)
    int udp_receive "dl_udp_receive"(
        int fd, uint8_t *data, int room, Host *address, uint16_t *port, int64_t *stamp_ns
    )
    int udp_send "dl_udp_send"(
        int fd, const uint8_t *data, int size, Host address, uint16_t port
    )
    int close_fd "close"(int fd)
    int64_t clock "dl_clock"(int which)
    int64_t wall_ahead "dl_wall_ahead"()
    void sleep_until "dl_sleep_until"(int64_t due_ns)
    int wake_new "dl_wake_new"()
    void wake "dl_wake"(int fd)
    void wake_clear "dl_wake_clear"(int fd)
    int random_bytes "dl_random"(void *into, int size)
    int thread_start "dl_thread"(
        pthread_t *thread,
        void *(*run)(void *) noexcept nogil,
        void *argument,
        int priority,
        int *refused,
    )
    int pthread_join(pthread_t thread, void **value)
    int sched_yield()
    int getpid()
