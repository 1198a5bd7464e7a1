/* Stands between a program and the C library, by LD_PRELOAD: the tests' way to a disk that fails and a clock that jumps.
 *
 * FAULTS_LOG      a file to which every write and flush of a file named FAULTS_FILE is appended, in the order in which
 *                 they came back, and every line written to a file named "marks" among them.
 * FAULTS_CONTROL  a page shared with the test (see `struct control`): flushes of that file fail or last, and the wall
 *                 clock is moved, from one moment to the next.
 * FAULTS_FILE     its name without the folder.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* As tests/faults/shim.py has it. */
struct control {
    int64_t wall_offset_ns; /* added to CLOCK_REALTIME */
    int32_t flush_errno;    /* fdatasync fails with it; 0: it does not */
    int32_t stall_ms;       /* how long a flush lasts beyond its own time */
    int32_t meta_errno;     /* a write through a descriptor that flushes by itself (O_DSYNC) fails with it */
    int32_t spare;
    int64_t flushes;        /* asked for, refused ones among them */
    int64_t refused;
    int64_t stalls_begun;
    int64_t stalls_ended;
};

/* In the log, before its bytes. */
struct entry {
    uint8_t kind; /* W: written, D: written through and durable, F: flushed, M: a mark */
    uint8_t spare[3];
    uint32_t size;
    uint64_t offset;
};

static struct control none;
static struct control *control = &none;
static const char *file_name = "data.mdb";
static int log_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_LOG");
    if (path)
        log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (getenv("FAULTS_FILE"))
        file_name = getenv("FAULTS_FILE");
    path = getenv("FAULTS_CONTROL");
    if (path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
            abort();
        control = page;
        close(fd);
    }
}

/* 'W' for the file in question, 'D' when its descriptor flushes by itself, 'M' for marks, 0 for any other. */
static char watched(int fd) {
    char link[64], path[4096];
    const int keep = errno;
    char kind = 0;
    ssize_t n;
    if (log_fd < 0 && control == &none)
        return 0;
    strcpy(link, "/proc/self/fd/");
    char digits[12], *to = link + strlen(link);
    int count = 0;
    if (fd < 0)
        return 0;
    do
        digits[count++] = (char)('0' + fd % 10);
    while ((fd /= 10) > 0);
    while (count)
        *to++ = digits[--count];
    *to = 0;
    n = readlink(link, path, sizeof path - 1);
    if (n > 0) {
        path[n] = 0;
        const char *name = strrchr(path, '/');
        name = name ? name + 1 : path;
        if (!strcmp(name, file_name))
            kind = 'W';
        else if (!strcmp(name, "marks"))
            kind = 'M';
    }
    errno = keep;
    return kind;
}

static void put(char kind, const struct iovec *parts, int count, uint64_t offset, ssize_t size) {
    const int keep = errno;
    struct entry head = {(uint8_t)kind, {0}, (uint32_t)size, offset};
    if (log_fd < 0)
        return;
    pthread_mutex_lock(&lock);
    if (syscall(SYS_write, log_fd, &head, sizeof head) != sizeof head)
        abort();
    for (int i = 0; i < count && size > 0; i++) {
        const size_t n = parts[i].iov_len < (size_t)size ? parts[i].iov_len : (size_t)size;
        if (syscall(SYS_write, log_fd, parts[i].iov_base, n) != (ssize_t)n)
            abort();
        size -= (ssize_t)n;
    }
    pthread_mutex_unlock(&lock);
    errno = keep;
}

static void stall(void) {
    const int ms = control->stall_ms;
    if (ms <= 0)
        return;
    __atomic_add_fetch(&control->stalls_begun, 1, __ATOMIC_SEQ_CST);
    const struct timespec wait = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&wait, NULL);
    __atomic_add_fetch(&control->stalls_ended, 1, __ATOMIC_SEQ_CST);
}

static ssize_t written(int fd, const struct iovec *parts, int count, off_t offset, int at) {
    const long call = at ? SYS_pwritev : SYS_writev;
    const char kind = watched(fd);
    if (!kind)
        return at ? syscall(call, fd, parts, count, offset, 0L) : syscall(call, fd, parts, count);
    const int through = kind == 'W' && (fcntl(fd, F_GETFL) & O_DSYNC);
    if (through && control->meta_errno) {
        __atomic_add_fetch(&control->refused, 1, __ATOMIC_SEQ_CST);
        errno = control->meta_errno;
        return -1;
    }
    if (!at)
        offset = lseek(fd, 0, SEEK_CUR);
    const ssize_t n = at ? syscall(call, fd, parts, count, offset, 0L) : syscall(call, fd, parts, count);
    if (n > 0)
        put(through ? 'D' : kind, parts, count, offset < 0 ? 0 : (uint64_t)offset, n);
    return n;
}

ssize_t write(int fd, const void *from, size_t n) {
    const struct iovec one = {(void *)from, n};
    return written(fd, &one, 1, 0, 0);
}

ssize_t writev(int fd, const struct iovec *parts, int count) { return written(fd, parts, count, 0, 0); }

ssize_t pwrite(int fd, const void *from, size_t n, off_t offset) {
    const struct iovec one = {(void *)from, n};
    return written(fd, &one, 1, offset, 1);
}

ssize_t pwrite64(int fd, const void *from, size_t n, off64_t offset) { return pwrite(fd, from, n, offset); }

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return written(fd, parts, count, offset, 1);
}

static int flushed(int fd, long call) {
    if (watched(fd) != 'W')
        return (int)syscall(call, fd);
    __atomic_add_fetch(&control->flushes, 1, __ATOMIC_SEQ_CST);
    stall();
    if (control->flush_errno) {
        __atomic_add_fetch(&control->refused, 1, __ATOMIC_SEQ_CST);
        errno = control->flush_errno;
        return -1;
    }
    const int done = (int)syscall(call, fd);
    if (!done)
        put('F', NULL, 0, 0, 0);
    return done;
}

int fdatasync(int fd) { return flushed(fd, SYS_fdatasync); }

int fsync(int fd) { return flushed(fd, SYS_fsync); }

int clock_gettime(clockid_t clock, struct timespec *to) {
    if (!real_clock_gettime)
        real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const int done = real_clock_gettime(clock, to);
    const int64_t move_ns = control->wall_offset_ns;
    if (!done && move_ns && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        const int64_t now_ns = to->tv_sec * INT64_C(1000000000) + to->tv_nsec + move_ns;
        to->tv_sec = now_ns / INT64_C(1000000000);
        to->tv_nsec = now_ns % INT64_C(1000000000);
    }
    return done;
}

time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}
