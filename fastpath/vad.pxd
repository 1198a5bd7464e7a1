"""Voice activity of one side of a call, frame by frame: 20 ms, 160 samples of 16 bits at 8 kHz.

Pure: no clock, no allocation, state of constant size; a time is a count of frames.

Levels are dB of full scale. Two are kept of each frame: of what is above 300 Hz, where no rumble
and no hum is, and of the differences of samples, in which hiss stands out. A frame may be voice
when one of the two is above the noise of this call by a margin that grows with how restless that
noise is.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t

cdef enum:
    VAD_FRAME = 160  # samples
    VAD_BANDS = 2
    VAD_WINDOWS = 4  # of VAD_WINDOW frames: the floor is the least of the last 1.5 to 2 s
    VAD_WINDOW = 25
    VAD_LOW = 40  # samples of a frame at 2 kHz, in which the pitch is looked for
    VAD_STEADY = 16  # frames looked at for noise that does not move
    # what turned out to be no voice
    VAD_UNDO_RUN = 1  # all of the voice up to now since it began
    VAD_UNDO_ALL = 2  # all that was ever heard
    VAD_UNDO_END = 3  # the last `cut` frames: the voice had ended before

cdef struct Vad:
    int64_t frames  # heard
    # of the newest frame
    double loud  # as it is, for people
    double level[VAD_BANDS]
    double residual  # 0 to 1: what four samples do not tell of the next; a tone has next to none
    uint8_t speech
    uint8_t tonal
    uint8_t undone  # what was noise all the same, see above
    uint8_t nothing  # frames in a row without any sound
    float periodic  # of a frame of voice: how alike two periods are, 0 to 1
    uint8_t lag  # and how long they are, in samples at 2 kHz; 0: no voice
    int16_t low[VAD_LOW]  # the frame at 2 kHz
    uint8_t cut  # with VAD_UNDO_END: so many frames, this one included
    # the noise
    double smooth[VAD_BANDS]  # mean of two frames
    double floor[VAD_BANDS]
    double restless[VAD_BANDS]  # how far noise is above the floor, on average
    double least[VAD_BANDS][VAD_WINDOWS]
    double recent[VAD_BANDS][VAD_STEADY]
    double peak[VAD_BANDS]  # of the voice: sinks slowly
    double earlier  # the loudest until 200 ms ago
    int voiced  # frames of voice
    int run  # those in a row
    double slope  # correlation of neighbours
    int told  # frames in a row that left nothing untold
    int known  # windows heard; VAD_WINDOWS: the floor is no guess
    int window
    int filled
    int since  # frames of `recent` that are of one piece

cdef void vad_init(Vad *v) noexcept nogil
cdef void vad_hear(Vad *v, const int16_t *samples) noexcept nogil
cdef void vad_gap(Vad *v) noexcept nogil


cdef class VoiceDetector:
    cdef Vad state
