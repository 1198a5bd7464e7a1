/* The media engine's twin in plain C, and the meter its packets are counted by.
 *
 *   rtp_twin meter FILE HOST PORT
 *       one socket; FILE is mapped: struct counts (see bench/rtp_calls.py)
 *   rtp_twin play STREAMS LOCAL REMOTE PORT HEAR
 *       STREAMS sockets on host LOCAL + n, a thousand even ports of each host from 23000 on; each
 *       plays 20 ms of G.711 every 20 ms in its own millisecond and reads what comes. To PORT of host
 *       REMOTE, or with PORT 0 to the same port of host REMOTE + n. A host is the two middle bytes
 *       of 127.x.y.1. PORT may be a file with a port of REMOTE in each line. With HEAR 1 it does all of the engine's work on what comes (rtp_twin_hear.h),
 *       with HEAR 0 it only counts.
 *   rtp_twin tones FRAMES | rtp_twin record FRAMES
 *       that work on so many frames in memory; as many of two sides laid out as stereo samples
 *
 * The first two say "ready" and run until standard input ends; all but the meter print JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rtp_twin_hear.h"

enum { PERIOD_NS = 20000000, BUDGET = 64 };
enum { FIRST_PORT = 23000, PER_HOST = 1000, SLOTS = 20, FRAME = 160, PACKET = 172, BATCH = 64, GAPS = 1000, SOURCES = 65536 };

struct counts {
    uint64_t packets;
    uint64_t gaps[GAPS]; /* time between packets of one source, in 0.1 ms; the last holds all above */
    uint64_t of_source[SOURCES]; /* by address, port and SSRC, at the place of its hash */
};

struct stream {
    int fd;
    struct sockaddr_in remote;
    uint16_t seq, heard_seq;
    uint32_t ssrc, timestamp;
    uint64_t sent, received, lost;
    struct heard heard;
};

static volatile int stop;
static struct stream *streams;
static int stream_count, hearing;
static uint64_t lateness[100001]; /* us */

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in address_of(int host, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(127u << 24 | (uint32_t) host << 8 | 1);
    return a;
}

static int open_udp(struct sockaddr_in at, int buffer) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer)
        || bind(fd, (struct sockaddr *) &at, sizeof at))
        fail("socket");
    return fd;
}

/* One packet, and in every 16th period all: a generator must not spend its time on empty sockets. */
static void count_some(struct stream *s, int frame) {
    uint8_t packet[2048];
    int size;
    for (int i = 0; i < (frame % 16 ? 1 : BUDGET); i++) {
        if ((size = recv(s->fd, packet, sizeof packet, MSG_DONTWAIT)) < 0)
            return;
        uint16_t seq = packet[2] << 8 | packet[3];
        if (size < 12 || packet[0] >> 6 != 2)
            continue;
        if (s->received++)
            s->lost += (uint16_t) (seq - s->heard_seq - 1);
        s->heard_seq = seq;
    }
}

/* As the engine does: until the socket is empty, or a packet came less than a period ago. */
static void hear_all(struct stream *s, int64_t wall_ns, int64_t now) {
    uint8_t packet[2048], control[64];
    struct sockaddr_in from;
    struct iovec part = {packet, sizeof packet};
    for (int i = 0; i < BUDGET; i++) {
        struct msghdr message = {&from, sizeof from, &part, 1, control, sizeof control, 0};
        int size = recvmsg(s->fd, &message, MSG_DONTWAIT);
        struct cmsghdr *c;
        struct timespec stamp;
        if (size < 0)
            return;
        int64_t at = now;
        if ((c = CMSG_FIRSTHDR(&message)) != NULL) {
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            at = stamp.tv_sec * 1000000000ll + stamp.tv_nsec - wall_ns;
        }
        hear(&s->heard, packet, size, &from, at);
        if (now - at < PERIOD_NS)
            return;
    }
}

static int64_t serve(struct stream *s, const uint8_t *prompt, int frame, int64_t due, int64_t wall_ns, int64_t now) {
    uint8_t packet[PACKET];
    if (hearing)
        hear_all(s, wall_ns, now);
    else
        count_some(s, frame);
    packet[0] = 0x80;
    packet[1] = 0;
    packet[2] = s->seq >> 8;
    packet[3] = s->seq++;
    uint32_t fields[2] = {htonl(s->timestamp + frame * FRAME), htonl(s->ssrc)};
    memcpy(packet + 4, fields, 8);
    memcpy(packet + 12, prompt + frame % 500 * FRAME, FRAME);
    if (sendto(s->fd, packet, PACKET, MSG_DONTWAIT, (struct sockaddr *) &s->remote, sizeof s->remote) == PACKET)
        s->sent++;
    now = now_ns();
    int64_t late = (now - due) / 1000;
    lateness[late < 0 ? 0 : late > 100000 ? 100000 : late]++;
    return now;
}

static void *play(void *prompt) {
    int64_t begun = now_ns();
    for (int64_t tick = 0; !stop; tick++) {
        int64_t due = begun + tick * 1000000, now;
        struct timespec t = {due / 1000000000, due % 1000000000}, wall;
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
            ;
        clock_gettime(CLOCK_REALTIME, &wall);
        now = now_ns();
        int64_t wall_ns = wall.tv_sec * 1000000000ll + wall.tv_nsec - now;
        for (int i = tick % SLOTS; i < stream_count; i += SLOTS)
            now = serve(&streams[i], prompt, tick / SLOTS, due, wall_ns, now);
    }
    return NULL;
}

static double percentile(double part) {
    uint64_t total = 0, seen = 0;
    int us = 0;
    for (int i = 0; i <= 100000; i++)
        total += lateness[i];
    for (us = 0; us < 100000 && (seen += lateness[us]) < part * total; us++)
        ;
    return us;
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument) {
    struct sched_param priority = {.sched_priority = 10};
    pthread_attr_t how;
    pthread_attr_init(&how);
    pthread_attr_setinheritsched(&how, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&how, SCHED_FIFO);
    pthread_attr_setschedparam(&how, &priority);
    if (pthread_create(thread, &how, run, argument) && pthread_create(thread, NULL, run, argument))
        fail("thread");
}

static void wait_for_end(void) {
    char byte;
    puts("ready");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    stop = 1;
}

static int player(int count, int local, int remote, const char *where) {
    static uint8_t prompt[500 * FRAME];
    uint64_t sent = 0, received = 0, lost = 0, talking = 0, digits = 0;
    int one = 1, port = atoi(where);
    FILE *ports = *where == '/' ? fopen(where, "r") : NULL;
    pthread_t thread;
    for (unsigned i = 0; i < sizeof prompt; i++)
        prompt[i] = i * 7;
    streams = calloc(count, sizeof *streams);
    stream_count = count;
    for (int i = 0; i < count; i++) {
        int own = FIRST_PORT + 2 * (i % PER_HOST), host = i / PER_HOST;
        streams[i].fd = open_udp(address_of(local + host, own), 32768);
        if (*where == '/' && (ports == NULL || fscanf(ports, "%d", &port) != 1))
            fail(where);
        streams[i].remote = port ? address_of(remote, port) : address_of(remote + host, own);
        streams[i].ssrc = i + 1;
        streams[i].heard.peer = streams[i].remote;
        streams[i].heard.hit_before = streams[i].heard.down = -1;
        if (hearing && setsockopt(streams[i].fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one))
            fail("SO_TIMESTAMPNS");
    }
    if (ports != NULL)
        fclose(ports);
    start(&thread, play, prompt);
    wait_for_end();
    pthread_join(thread, NULL);
    for (int i = 0; i < count; i++) {
        const struct heard *h = &streams[i].heard;
        sent += streams[i].sent;
        received += streams[i].received + h->received;
        lost += streams[i].lost;
        if (h->started)
            lost += (uint64_t) (h->seq_max - h->seq_base + 1) - h->unique;
        talking += h->talking;
        digits += h->digits;
    }
    printf("{\"sent\": %lu, \"received\": %lu, \"lost\": %lu, \"talking\": %lu, \"digits\": %lu, "
           "\"p50\": %.0f, \"p99\": %.0f, \"p999\": %.0f}\n",
           sent, received, lost, talking, digits, percentile(0.5), percentile(0.99), percentile(0.999));
    return 0;
}

static int place_of(const struct sockaddr_in *source, const uint8_t *packet) {
    static uint64_t known[SOURCES][2];
    uint64_t ends = (uint64_t) source->sin_addr.s_addr << 16 | source->sin_port, ssrc = 1;
    memcpy(&ssrc, packet + 8, 4);
    ssrc |= 1ull << 32;
    uint64_t place = ((ends ^ ssrc << 20) * 0x9E3779B97F4A7C15u) >> 48;
    while (known[place][1] && (known[place][0] != ends || known[place][1] != ssrc))
        place = (place + 1) % SOURCES;
    known[place][0] = ends;
    known[place][1] = ssrc;
    return place;
}

static void *count_packets(void *argument) {
    static struct mmsghdr batch[BATCH];
    static struct iovec parts[BATCH];
    static struct sockaddr_in sources[BATCH];
    static uint8_t packets[BATCH][2048], control[BATCH][64];
    static int64_t last[SOURCES];
    struct counts *counts = ((void **) argument)[0];
    int fd = *(int *) ((void **) argument)[1];
    while (!stop) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec) {packets[i], sizeof packets[i]};
            batch[i].msg_hdr = (struct msghdr) {&sources[i], sizeof sources[i], &parts[i], 1, control[i], 64, 0};
        }
        /* Who waits in the socket has to be woken by the sender, for many packets: that costs it as
         * much as sending. The kernel has the times of arrival. */
        struct timespec pause = {0, 1000000};
        int n = recvmmsg(fd, batch, BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        for (int i = 0; i < n; i++) {
            struct cmsghdr *c = CMSG_FIRSTHDR(&batch[i].msg_hdr);
            struct timespec stamp;
            if (batch[i].msg_len < 12 || packets[i][0] >> 6 != 2 || c == NULL)
                continue;
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            int from = place_of(&sources[i], packets[i]);
            int64_t at = stamp.tv_sec * 1000000000ll + stamp.tv_nsec, gap = (at - last[from]) / 100000;
            if (last[from])
                counts->gaps[gap < 0 ? 0 : gap >= GAPS ? GAPS - 1 : gap]++;
            last[from] = at;
            counts->of_source[from]++;
            counts->packets++;
        }
    }
    return NULL;
}

static int meter(const char *path, const char *host, int port) {
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), one = 1, buffer = 64 << 20;
    pthread_t thread;
    if (file < 0 || ftruncate(file, sizeof(struct counts)))
        fail(path);
    void *counts = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &at.sin_addr);
    int fd = open_udp(at, buffer);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    void *argument[] = {counts, &fd};
    start(&thread, count_packets, argument);
    wait_for_end();
    pthread_join(thread, NULL);
    return 0;
}

static int64_t cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static int tones(int frames) {
    static uint8_t audio[500 * FRAME];
    struct heard h = {.hit_before = -1, .down = -1};
    for (unsigned i = 0; i < sizeof audio; i++)
        audio[i] = i * 7;
    int64_t before = cpu_ns();
    for (int i = 0; i < frames; i++)
        hear_audio(&h, audio + i % 500 * FRAME, FRAME);
    printf("{\"ns\": %.1f, \"digits\": %lu, \"talking\": %lu}\n",
           (double) (cpu_ns() - before) / frames, h.digits, h.talking);
    return 0;
}

/* A quarter of a second of both sides at a time: laid out, handed on, cleared. */
static int record(int frames) {
    enum { PART = 12 };
    static uint8_t audio[500 * FRAME];
    static int16_t tape[PART * FRAME][2], out[PART * FRAME][2];
    uint64_t sum = 0;
    for (unsigned i = 0; i < sizeof audio; i++)
        audio[i] = i * 7;
    int64_t before = cpu_ns();
    for (int i = 0; i < frames; i += PART) {
        for (int frame = 0; frame < PART; frame++)
            for (int side = 0; side < 2; side++)
                for (int n = 0; n < FRAME; n++)
                    tape[frame * FRAME + n][side] = linear[audio[(i + frame) % 500 * FRAME + n]];
        memcpy(out, tape, sizeof out);
        memset(tape, 0, sizeof tape);
        sum += (uint16_t) out[i % PART][1];
    }
    printf("{\"ns\": %.1f, \"sum\": %lu}\n", (double) (cpu_ns() - before) / frames / 2, sum);
    return 0;
}

int main(int argc, char **argv) {
    struct rlimit files;
    fill_tables();
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 5 && !strcmp(argv[1], "meter"))
        return meter(argv[2], argv[3], atoi(argv[4]));
    if (argc == 3 && !strcmp(argv[1], "tones"))
        return tones(atoi(argv[2]));
    if (argc == 3 && !strcmp(argv[1], "record"))
        return record(atoi(argv[2]));
    hearing = argc == 7 && atoi(argv[6]);
    if (argc == 7 && !strcmp(argv[1], "play"))
        return player(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), argv[5]);
    fprintf(stderr, "rtp_twin meter FILE HOST PORT | play STREAMS LOCAL REMOTE PORT HEAR | tones FRAMES | record FRAMES\n");
    return 2;
}
