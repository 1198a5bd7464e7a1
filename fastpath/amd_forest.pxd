"""The model of who answered, laid out for the detector: trees, and what their odds are good for.

Read only: one serves all threads.
"""

from libc.stdint cimport uint8_t

cdef enum:
    AMD_TREES_MAX = 128
    AMD_VOICES_MAX = 128
    AMD_DEPTH = 4
    AMD_NODES = 15  # of a tree: the questions of all its levels
    AMD_LEAVES = 16

cdef enum:  # what the model may ask
    SILENCE, RUN, VOICED, WORDS, PHRASES, FIRST_PHRASE, PHRASE, LONGEST_PHRASE, LONGEST_PAUSE
    PAUSES, SPAN, SNR, FALL, SPREAD, SWING, TONAL, HISS, SYLLABLES, LAST_SYLLABLE, PACE
    PERIODIC, PITCHED, STREAK, GLIDE, RISE, VOICING, TILT, TILTS, RUSTLE, FALLS
    FEATURES

cdef struct Tree:
    uint8_t feature[AMD_NODES]
    double above[AMD_NODES]  # on to the second child when the feature is more
    double leaf[AMD_LEAVES]  # log-odds

cdef struct Policy:  # odds are log-odds of a machine, times frames
    double human_below  # so few: a person
    double human_below_late  # so few are enough once the silence was as long as is waited
    double machine_above  # so many: a machine
    double voice_above  # fewer of a voice: nobody spoke
    double voice_again  # so many more for each sound before it that nobody said
    int human_after  # from the first voice on; not before
    int machine_after
    int silence_min  # behind a word
    int word  # what is said in so long is one word
    int word_by  # a verdict on it is due so long after the first voice
    int word_wait  # or after so much silence
    int office_min  # silence after more than a word, before the odds count
    int office_wait  # and so much is waited
    int analysis  # from the first voice on
    int initial_silence  # without any voice
    # a second verdict: what was taken for a person has lasted so long,
    int revise_span
    int revise_pause  # never paused for longer
    int revise_voice  # and spoke for so long,
    int revise_late_pause  # or the same of both with longer pauses
    int revise_late_voice

cdef struct Forest:
    int trees
    double bias  # log-odds before any tree
    Policy policy
    Tree tree[AMD_TREES_MAX]
    int voices  # trees that tell a voice from other sounds; 0: all are voices
    double voice_bias
    Tree voice[AMD_VOICES_MAX]

cdef double forest_odds(const Forest *model, const double *x) noexcept nogil
cdef int forest_voice(const Forest *model, const double *x, int doubts) noexcept nogil


cdef class Model:
    cdef Forest forest
    cdef set_policy(self, policy)
    cdef set_trees(self, Tree *into, trees, int most)
