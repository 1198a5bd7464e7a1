"""Every bound of the media engine, and the numbers of RFC 3550 and RFC 4733 it works by."""

cdef enum:
    # audio: G.711 at 8 kHz, one frame of 20 ms
    FRAME_BYTES = 160
    FRAME_MS = 20
    HEADER_BYTES = 12
    PACKET_BYTES = 172
    PAYLOAD_PCMU = 0
    PAYLOAD_PCMA = 8
    PAYLOAD_NOISE = 13  # RFC 3389 comfort noise
    DYNAMIC_MIN = 96  # RFC 3551 section 3: numbers that only an SDP gives a meaning
    # receiving
    DATAGRAM_BYTES_MAX = 1500  # more is not RTP voice: dropped as malformed
    RECEIVE_BUDGET = 64  # datagrams read from one socket in one period of 20 ms
    PEER_PACKETS = 5  # of the peer heard in a period, on average: packets of 5 ms, and keys
    SOCKET_BUFFER_BYTES = 32768  # kernel memory a flood can hold for one call
    SOURCES_MAX = 2  # SSRCs followed at once in one stream (audio and a separate event source)
    DROPOUT_MAX = 3000  # RFC 3550 A.1
    LEAP_SAMPLES = 16000  # further apart, two timestamps are of two clocks
    REORDER_WINDOW = 64  # instead of A.1's MAX_MISORDER: further back is a restart
    SRTP_EXTRA_MAX = 32  # octets a protected packet is longer: tag, SRTCP index
    # latching
    CANDIDATES_MAX = 4
    LEARN_PACKETS = 4
    # digits
    HISTORY_MAX = 8  # finished events remembered, so that a late copy is not a second digit
    DIGITS_OUT_MAX = 4  # one packet reports at most two, one tick one
    DIGITS_MAX = 32  # waiting to be sent in one stream
    DIGIT_COPIES = 3  # of the first and of the last packet of a sent event
    DIGIT_FRAMES_MIN = 2
    DIGIT_FRAMES_MAX = 200
    ECHO_BYTES_MAX = 1600  # heard and not said back yet: 200 ms; more is dropped
    SILENCE_MS_MAX = 3600000  # the longest silence that can be watched for
    # RTCP
    RTCP_BYTES_MAX = 128  # of a compound packet of ours: two reports, a name and a goodbye
    RTCP_BUDGET = 4  # datagrams read from one RTCP socket at a time
    RTCP_POLL_FRAMES = 50  # and how often: once a second
    RTCP_BUFFER_BYTES = 4096  # kernel memory for them
    RTCP_BANDWIDTH = 500  # octets per second: 5 % of G.711 in 20 ms packets (RFC 3550 6.2)
    RTCP_OVERHEAD = 28  # IP and UDP, which count as well
    CNAME_BYTES = 16  # 96 random bits in base64 (RFC 7022 section 4.2)
    # audio that is decoded: the jitter buffer, its concealment, rooms
    JITTER_SAMPLES = 4096  # 512 ms kept at most, whatever arrives; a power of 2
    JITTER_WORDS = 64  # of a bit for each
    JITTER_DELAY_MAX = 1600  # samples: it never waits longer than 200 ms for late packets
    JITTER_BINS = 48  # of lateness, 5 ms each
    JITTER_JUMP = 4000  # samples: timestamps further from their arrival have jumped
    PITCH_MIN = 40  # samples: 200 Hz
    PITCH_MAX = 120  # 66 Hz
    CONCEAL_HISTORY = 390  # three of the longest periods and a quarter
    CONCEAL_SAMPLES_MAX = 480  # 60 ms; then it is silence
    PARCEL_BYTES_MAX = 480  # payload passed from stream to stream: 60 ms; more is dropped
    PARCELS_MAX = 8  # waiting for one stream; a power of 2
    MIXED_MAX = 4  # frames of a room waiting for one party; a power of 2
    ROOMS_MAX = 4096
    PARTIES_MAX = 64  # in one room: as many as a mask has bits
    # engine
    SLOTS = 20
    TICKS_LATE_MAX = 100  # ms behind after which whole periods are skipped, not sent in a burst
    THREADS_MAX = 64
    STREAMS_LIMIT = 65536
    TAPS_MAX = 5  # who hears one stream: recorder, echo or bridge, detectors, a supervisor's room
    PROMPTS_MAX = 4096
    PROMPT_FRAMES_MAX = 30000  # 10 minutes
    CHAIN_MAX = 128  # prompts of one play: more are refused with ValueError
    EVENTS_MIN = 1024
    EVENTS_BATCH = 8192  # handed to Python in one call of events()
    RETRY_MAX = 64  # streams that missed their turn, of one thread
    RECORD_ENTRIES = 256  # 2.56 s of both sides
    HISTOGRAM_BINS = 1024

cdef enum:
    MS_NS = 1000000
    SAMPLE_NS = 125000
    EVENT_GONE_NS = 60000000  # 3 periods without a packet end an event whose end was lost
    EVENT_FORGET_NS = 1000000000  # after its last packet, the same timestamp is a new digit
    EVENT_BEGIN_NS = 250000000  # so long after it, a packet marked as an event's first begins one
    RESTART_NS = 500000000  # a source silent for so long may go on anywhere

cdef extern from *:
    """
    #define DL_LEARN_NS 3000000000LL
    #define DL_RTCP_MIN_NS 4500000000LL
    #define DL_RTCP_RTT_NS_MAX 10000000000LL
    """
    # how long a better ranked source may still take the lead
    const long long LEARN_NS "DL_LEARN_NS"
    # the minimum between reports, by RFC 3550 6.2's reduced rule: 360 s over 80 kbit/s
    const long long RTCP_MIN_NS "DL_RTCP_MIN_NS"
    # a longer way there and back is not believed
    const long long RTCP_RTT_NS_MAX "DL_RTCP_RTT_NS_MAX"
