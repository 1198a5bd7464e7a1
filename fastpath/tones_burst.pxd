"""Where a steady tone is, frame by frame, and what it is made of: bursts between silences.

A frame is 160 samples of 16 bits at 8 kHz. Two numbers per frame say whether the sound stood still;
only where it does for 100 ms a spectrum is taken, so that a voice costs next to nothing.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t

from fastpath.tones_spectrum cimport Peaks

cdef enum:
    TONE_FRAME = 160
    TONE_HISTORY = 7  # frames kept for spectra

cdef enum:  # what a burst state hears
    BURST_NONE
    BURST_MAYBE  # it stands still
    BURST_TONE  # it is a tone

cdef struct Burst:
    Peaks peaks
    int64_t begin  # samples since bursts_init
    int64_t end  # while it sounds: as far as it was heard
    float power  # mean square of a sample
    float wavers  # power of its loudest stretch of 80 ms over that of its softest
    int flips  # turns of its phase by half a period, 450 ms apart; around 2,100 Hz only
    float drift  # part by which its strongest line moved between spectra
    uint8_t looks  # spectra that found it
    uint8_t silence  # 1 before it, 2 behind it
    uint8_t broken  # loud sound that is no tone came between the burst before and this one
    uint8_t spoken  # the sound before it was louder than the pause behind that: not steady noise
    uint8_t joined  # it holds the burst before, which was a part of it

cdef struct BurstState:
    int64_t frames
    int64_t kept  # frames put into `history`
    int16_t history[TONE_HISTORY * TONE_FRAME]
    # of the newest frame
    float power
    float slope  # cosine of its mean frequency, by its power
    float curve  # the same of twice that
    float spread  # how far its power is spread over frequencies: noise, or several tones
    float before[4]  # power of the frames before it, the newest first
    # what is heard
    uint8_t state
    uint8_t ended  # `last` is over since this frame
    int age  # frames from its first on
    int due  # age of the next spectrum
    int clean  # frames since a hole in it
    int hole  # frames without it
    float slope_mean
    float slope_first
    float drift
    float curve_mean
    float quiet  # power of the softest frame before it
    float softest  # the same behind it
    float edge[2]  # power of the last frame with it, and of the first without
    int64_t edge_at  # number of the frame behind the last with it
    float stretch  # sum of powers
    int stretched
    float least
    float most
    float half[8]  # of the last four half frames around 2,100 Hz: in phase, in quadrature
    int flip_at
    Burst now
    Burst last
    int loud  # frames of loud sound that was no tone, since the last burst
    int spoke  # the same, whatever bursts there were; forgotten after a while
    int calm  # frames without, since
    float voice  # power of the loudest two of them in a row

cdef void bursts_init(BurstState *s) noexcept nogil
cdef void bursts_hear(BurstState *s, const int16_t *frame) noexcept nogil
cdef void bursts_gap(BurstState *s) noexcept nogil
cdef void burst_window(const BurstState *s, int16_t *samples, int size) noexcept nogil
cdef void bursts_end(BurstState *s) noexcept nogil
