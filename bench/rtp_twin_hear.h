/* What rtp_twin does with what it hears: the engine's work, as plain as C allows.
 *
 * Latch, sequence numbers, loss, jitter (RFC 3550 A.8), energy with a decision per block, and the
 * eight tones of DTMF in blocks of 102 samples. Left out: RTCP, events of RFC 4733, several sources
 * per stream, restarts, whether a tone is in tune.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { TONES = 8, BLOCK = 102, WINDOW = 64, LEARN = 4 };

typedef float four __attribute__((vector_size(16)));

struct heard {
    struct sockaddr_in peer;
    uint8_t locked, in_order, started;
    uint16_t seq_next;
    uint32_t ssrc, transit, run;
    int64_t seq_max, seq_base, last_ns;
    uint64_t window, unique, received, duplicates, reordered, foreign, jitter_x16, loss_run_max;
    /* the block of samples being filled */
    int count, hit_before, down;
    int64_t energy, total;
    float sums[2 * TONES];
    uint64_t talking, digits;
};

static float tone_table[BLOCK + 1][2 * TONES] __attribute__((aligned(16)));
static int16_t linear[256];

static void fill_tables(void) {
    static const int hertz[TONES] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
    for (int n = 0; n < BLOCK; n++)
        for (int k = 0; k < TONES; k++) {
            tone_table[n][k] = cosf(2 * (float) M_PI * hertz[k] * n / 8000);
            tone_table[n][TONES + k] = sinf(2 * (float) M_PI * hertz[k] * n / 8000);
        }
    for (int i = 0; i < 256; i++) { /* G.711 mu-law */
        int code = ~i & 255, level = ((code & 15) << 3) + 132;
        level = (level << (code >> 4 & 7)) - 132;
        linear[i] = (int16_t) (code & 128 ? -level : level);
    }
}

static void end_block(struct heard *h) {
    float power[TONES], energy = (float) (h->energy - h->total * h->total / BLOCK);
    int row = 0, column = 4, hit = -1;
    for (int k = 0; k < TONES; k++)
        power[k] = h->sums[k] * h->sums[k] + h->sums[TONES + k] * h->sums[TONES + k];
    for (int k = 1; k < 4; k++) {
        row = power[k] > power[row] ? k : row;
        column = power[4 + k] > power[column] ? 4 + k : column;
    }
    if (power[row] > 7e7f && power[column] > 7e7f
        && power[row] + power[column] > 0.75f * BLOCK / 2 * energy)
        hit = row * 4 + column;
    if (hit >= 0 && hit == h->hit_before && hit != h->down) {
        h->down = hit;
        h->digits++;
    } else if (hit != h->down && h->hit_before != h->down)
        h->down = -1;
    h->hit_before = hit;
    h->talking += energy > 1e6f * BLOCK / 100;
    memset(h->sums, 0, sizeof h->sums);
    h->count = 0;
    h->energy = h->total = 0;
}

static void hear_audio(struct heard *h, const uint8_t *audio, int size) {
    int16_t samples[160];
    for (int i = 0; i < size; i++)
        samples[i] = linear[audio[i]];
    for (int at = 0; at < size;) {
        int room = size - at < BLOCK - h->count ? size - at : BLOCK - h->count;
        const four *row = (const four *) tone_table[h->count];
        four a[4], b[4] = {{0}};
        int64_t energy = 0, total = 0;
        memcpy(a, h->sums, sizeof a);
        for (int i = 0; i < room; i += 2, row += 8) {
            float x = samples[at + i], y = i + 1 < room ? samples[at + i + 1] : 0;
            for (int k = 0; k < 4; k++) {
                a[k] += row[k] * x;
                b[k] += row[4 + k] * y;
            }
        }
        for (int i = 0; i < room; i++) {
            energy += samples[at + i] * samples[at + i];
            total += samples[at + i];
        }
        for (int k = 0; k < 4; k++)
            a[k] += b[k];
        memcpy(h->sums, a, sizeof a);
        h->energy += energy;
        h->total += total;
        h->count += room;
        at += room;
        if (h->count == BLOCK)
            end_block(h);
    }
}

/* RFC 3550 A.1 with a window; whether the packet is new. */
static int in_sequence(struct heard *h, uint16_t seq) {
    uint16_t ahead = (uint16_t) (seq - (uint16_t) h->seq_max);
    int back = 65536 - ahead;
    if (ahead == 0 || (ahead >= 3000 && (back >= WINDOW || h->window >> back & 1))) {
        h->duplicates++;
        return 0;
    }
    h->unique++;
    if (ahead >= 3000) {
        h->window |= (uint64_t) 1 << back;
        h->reordered++;
        return 1;
    }
    if (ahead > 1) {
        h->run = ahead - 1;
        h->loss_run_max = h->run > h->loss_run_max ? h->run : h->loss_run_max;
    }
    h->seq_max += ahead;
    h->window = ahead >= WINDOW ? 1 : h->window << ahead | 1;
    return 1;
}

static void hear(struct heard *h, const uint8_t *p, int size, const struct sockaddr_in *from,
                 int64_t at_ns) {
    uint16_t seq = (uint16_t) (p[2] << 8 | p[3]);
    uint32_t timestamp, ssrc;
    int at = 12 + 4 * (p[0] & 15);
    if (size < 12 || p[0] >> 6 != 2 || (p[0] & 0x30) || at > size || (p[1] & 127) != 0)
        return;
    memcpy(&timestamp, p + 4, 4);
    memcpy(&ssrc, p + 8, 4);
    timestamp = ntohl(timestamp);
    if (from->sin_addr.s_addr != h->peer.sin_addr.s_addr || from->sin_port != h->peer.sin_port) {
        h->foreign++;
        return;
    }
    if (!h->locked) {
        h->in_order = h->in_order && seq == h->seq_next ? h->in_order + 1 : 1;
        h->locked = h->in_order == LEARN;
        h->seq_next = (uint16_t) (seq + 1);
    }
    h->received++;
    if (!h->started || ssrc != h->ssrc) {
        h->started = 1;
        h->ssrc = ssrc;
        h->seq_base = h->seq_max = seq;
        h->unique = h->window = 1;
        h->transit = (uint32_t) (at_ns / 125000) - timestamp;
    } else if (!in_sequence(h, seq))
        return;
    uint32_t transit = (uint32_t) (at_ns / 125000) - timestamp;
    int32_t d = (int32_t) (transit - h->transit);
    h->jitter_x16 += (uint64_t) (d < 0 ? -d : d) - ((h->jitter_x16 + 8) >> 4);
    h->transit = transit;
    h->last_ns = at_ns;
    hear_audio(h, p + at, size - at > 160 ? 160 : size - at);
}
