# cython: auto_pickle=False, autotestdict=False
"""Trees over what is known of an answer. A tree is complete: node i leads to 2i+1 or 2i+2."""

FEATURE_NAMES = (
    "silence", "run", "voiced", "words", "phrases", "first_phrase", "phrase", "longest_phrase",
    "longest_pause", "pauses", "span", "snr", "fall", "spread", "swing", "tonal", "hiss",
    "syllables", "last_syllable", "pace", "periodic", "pitched", "streak", "glide", "rise",
    "voicing", "tilt", "tilts", "rustle", "falls",
)
TREES_MAX = AMD_TREES_MAX
VOICES_MAX = AMD_VOICES_MAX
NODES = AMD_NODES
LEAVES = AMD_LEAVES
FRAME_MS = 20
POLICY_MS_MAX = 60_000

cdef double STILL = 0.6  # dB: a level that stands so still is a buzzer's; people's moved by 0.73
cdef double STILL_FOR = 100.0  # ms; less says nothing
cdef double DULL = 0.986  # a tilt above it is a thump's, whose power is all below 210 Hz

POLICY_NAMES = (
    "human_below", "human_below_late", "machine_above", "voice_above", "voice_again",
    "human_after_ms", "machine_after_ms", "silence_min_ms", "word_ms", "word_by_ms", "word_wait_ms",
    "office_min_ms", "office_wait_ms", "analysis_ms", "initial_silence_ms", "revise_span_ms",
    "revise_pause_ms", "revise_voice_ms", "revise_late_pause_ms", "revise_late_voice_ms",
)


cdef double walk(const Tree *trees, int count, double odds, const double *x) noexcept nogil:
    """The odds with what each tree adds to them."""
    cdef const Tree *tree
    cdef int t, _level, at
    for t in range(count):
        tree = &trees[t]
        at = 0
        for _level in range(AMD_DEPTH):
            at = 2 * at + 1 + (x[tree.feature[at]] > tree.above[at])
        odds += tree.leaf[at - AMD_NODES]
    return odds


cdef double forest_odds(const Forest *model, const double *x) noexcept nogil:
    """The log-odds of a machine."""
    return walk(&model.tree[0], model.trees, model.bias, x)


cdef int forest_voice(const Forest *model, const double *x, int doubts) noexcept nogil:
    """Whether what was heard was a voice, behind so many sounds that were none."""
    cdef double above = model.policy.voice_above + doubts * model.policy.voice_again
    if model.voices == 0:
        return 1
    # what the trees were not taught
    if x[SPREAD] < STILL and x[VOICED] >= STILL_FOR or x[TILT] > DULL:
        return 0
    return walk(&model.voice[0], model.voices, model.voice_bias, x) >= above


cdef class Model:
    """The trees, laid out for the detector."""

    def __cinit__(self, trees, double bias, policy, *, voice=(), double voice_bias=0.0):
        if not 0 < len(trees) <= AMD_TREES_MAX:
            raise ValueError(f"{len(trees)} trees; 1 to {AMD_TREES_MAX} are possible")
        self.forest.trees = len(trees)
        self.forest.voices = len(voice)
        self.forest.bias = bias
        self.forest.voice_bias = voice_bias
        self.set_policy(policy)
        self.set_trees(&self.forest.tree[0], trees, AMD_TREES_MAX)
        self.set_trees(&self.forest.voice[0], voice, AMD_VOICES_MAX)

    cdef set_trees(self, Tree *into, trees, int most):
        cdef int t, k
        if len(trees) > most:
            raise ValueError(f"{len(trees)} trees; {most} are possible")
        for t, (questions, leaves) in enumerate(trees):
            if len(questions) != AMD_NODES or len(leaves) != AMD_LEAVES:
                raise ValueError(f"tree {t}: {AMD_NODES} questions and {AMD_LEAVES} leaves")
            for k, (name, above) in enumerate(questions):
                into[t].feature[k] = FEATURE_NAMES.index(name)
                into[t].above[k] = above
            for k in range(AMD_LEAVES):
                into[t].leaf[k] = leaves[k]

    cdef set_policy(self, policy):
        cdef Policy *p = &self.forest.policy
        unknown = set(policy) ^ set(POLICY_NAMES)
        if unknown:
            raise ValueError(f"policy: {sorted(unknown)} unknown or missing")
        for name in POLICY_NAMES[5:]:
            if not 0 <= policy[name] <= POLICY_MS_MAX:
                raise ValueError(f"{name}: 0 to {POLICY_MS_MAX} ms")
        p.human_below = policy["human_below"]
        p.human_below_late = policy["human_below_late"]
        p.machine_above = policy["machine_above"]
        p.voice_above = policy["voice_above"]
        p.voice_again = policy["voice_again"]
        if not p.human_below <= p.human_below_late < p.machine_above:
            raise ValueError("human_below <= human_below_late < machine_above must hold")
        p.human_after = policy["human_after_ms"] // FRAME_MS
        p.machine_after = policy["machine_after_ms"] // FRAME_MS
        p.silence_min = policy["silence_min_ms"] // FRAME_MS
        p.word = policy["word_ms"] // FRAME_MS
        p.word_by = policy["word_by_ms"] // FRAME_MS
        p.word_wait = policy["word_wait_ms"] // FRAME_MS
        p.office_min = policy["office_min_ms"] // FRAME_MS
        p.office_wait = policy["office_wait_ms"] // FRAME_MS
        p.analysis = policy["analysis_ms"] // FRAME_MS
        p.initial_silence = policy["initial_silence_ms"] // FRAME_MS
        p.revise_span = policy["revise_span_ms"] // FRAME_MS
        p.revise_pause = policy["revise_pause_ms"] // FRAME_MS
        p.revise_voice = policy["revise_voice_ms"] // FRAME_MS
        p.revise_late_pause = policy["revise_late_pause_ms"] // FRAME_MS
        p.revise_late_voice = policy["revise_late_voice_ms"] // FRAME_MS

    def odds(self, values):
        cdef double x[FEATURES]
        cdef int k
        if len(values) != FEATURES:
            raise ValueError(f"{FEATURES} values")
        for k in range(FEATURES):
            x[k] = values[k]
        return forest_odds(&self.forest, x)
