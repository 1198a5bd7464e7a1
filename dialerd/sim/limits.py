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
KEYS = "0123456789*#ABCD"  #: what DTMF can say
MODEM_LINE_MAX = 2_048  #: bytes of a command line or text; what is more is not heard
MODEM_INPUT_MAX = 8_192  #: bytes that wait while a modem works; what is more is lost
MODEM_NUMBER_MAX = 40  #: digits behind ATD; more is an ERROR
MODEM_LEGS_MAX = 4  #: calls of one modem; the next caller finds it busy
MODEM_TEXTS_MAX = 50  #: texts on a card; the next waits in the network
MODEM_WAITING_MAX = 200  #: texts that wait in the network for one card; the next is lost
MODEMS_MAX = 256  #: in one bank; more is refused
CONTROL_LINE_MAX = 4_096  #: bytes of one command on the control socket; then it is closed
HEARD_FRAMES_MAX = 45_000  #: frames kept of one recorded call (15 minutes); the rest is counted
