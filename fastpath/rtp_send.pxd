"""What is said in one stream: prompts, silence and digits, a frame at a time.

Pure: the frame number is an argument.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastpath.rtp_limits cimport DIGIT_COPIES, DIGITS_MAX, PACKET_BYTES
from fastpath.rtp_prompts cimport Chain, Prompt, Prompts

cdef struct DigitIn:
    int64_t token
    uint8_t code
    uint8_t on_frames
    uint8_t gap_frames
    uint8_t last  # of its send_digits

cdef struct DigitBatch:
    int count
    DigitIn digit[DIGITS_MAX]

cdef struct Outbox:  # the packets of one frame
    int count
    int size[DIGIT_COPIES]
    uint8_t data[DIGIT_COPIES][PACKET_BYTES]

# Fill FRAME_BYTES of `audio` in this law for this frame; 0 when there is nothing to say, -1 when
# whole packets are sent past the sender (a bridge), so that nothing is to be added. Frames are
# 20 ms apart and numbered; one number is asked for once, but not each is.
ctypedef int (*FillFn)(void *state, uint32_t frame, uint8_t law, uint8_t *audio) noexcept nogil

cdef struct Feed:  # says what neither digits nor a prompt take: a bridge, a conference, an echo
    void *state
    FillFn fill  # NULL: nobody does
    uint8_t over  # it is heard over a prompt, too

cdef struct Sender:  # what every frame touches comes first
    uint32_t ssrc
    uint32_t timestamp_base
    uint16_t seq
    uint16_t seq_first
    int16_t event_type  # -1: the peer knows no events
    uint8_t payload_type  # 0 or 8: the law that is spoken
    uint8_t wire_type  # its number for the peer
    uint8_t comfort  # silence is sent when nothing plays
    uint8_t flowing  # the frame before was audio
    uint8_t speaking  # the frame before was of a prompt
    uint8_t paused  # the peer wants to hear nothing: prompt and digits wait
    uint8_t loop
    uint8_t play_ended  # to be told; play_token says which
    uint8_t digits_ended
    uint8_t digit_count
    uint32_t position
    int link  # where in the chain
    Prompt *prompt  # of the chain; NULL: nothing plays
    Feed feed
    int64_t play_token
    Chain chain
    # digits
    uint8_t digit_at
    uint16_t digit_step  # frames since the event began
    uint8_t digit_sounds  # it is tones in the audio, not an event
    uint32_t digit_last  # frame in which the digits went on
    uint32_t digit_timestamp
    int64_t digits_token
    DigitIn digit[DIGITS_MAX]
    uint64_t digits_sent

cdef void sender_init(Sender *s, uint32_t ssrc, uint16_t seq, uint32_t timestamp) noexcept nogil
cdef void sender_connect(
    Sender *s, int law, int payload_type, int event_type, int comfort
) noexcept nogil
cdef void sender_play(Sender *s, const Chain *chain, int64_t token, int loop) noexcept nogil
cdef void sender_stop(Sender *s) noexcept nogil
cdef int sender_digits(Sender *s, const DigitBatch *batch) noexcept nogil
cdef void sender_pause(Sender *s, int on) noexcept nogil
cdef void sender_frame(Sender *s, uint32_t frame, Outbox *out) noexcept nogil
cdef int check_types(int law, int payload_type, int event_type) except -1
cdef int digits_fill(DigitBatch *batch, str digits, int64_t token, int on_ms, int gap_ms) except -1


cdef class RtpSender:
    cdef Sender state
    cdef Prompts prompts
    cdef list playing  # ids of what was played last
