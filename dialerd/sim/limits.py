"""Bounds of the simulated world, and what happens at each."""

DIGITS = "0123456789*#"  #: the keys of a telephone
DURATION_S_MAX = 3_600.0  #: any one duration of a person; a longer setting is refused
CALLS_MAX = 4_000  #: calls at one carrier at once; the next gets 503
USER_CHARS_MAX = 64  #: of a dialed user kept in the ledger; the rest is cut
CALL_ID_CHARS_MAX = 200  #: of a Call-ID kept in the ledger; the rest is cut
CALL_IDS_KEPT = 2_000_000  #: Call-IDs one checker run joins; more is refused
LINE_BYTES_MAX = 4_096  #: of one ledger line; a longer one is counted as damaged
ROWS_MAX = 10_000_000  #: of a generated list
DUPLICATES_FROM = 200_000  #: first numbers of a list that later rows may repeat
FAULTS_SHOWN = 20  #: faults spelled out in a summary; all are counted
DAY_S_MAX = 40 * 86_400.0  #: the longest simulated time; a longer one is refused
STEP_S_MAX = 86_400  #: how far a wall clock is moved at most
RESTART_S_MIN = 1.0  #: no process is back sooner after it was killed
DRAIN_S_MAX = 2_000  #: how long the calls of a day's end may last; then they are faults
