"""The bounds of the store, and what happens at each of them."""

from __future__ import annotations

from typing import Final

from dialerd.core.limits import CAP_WINDOW_S_MAX

# Texts and numbers: longer or larger ones are refused with a StoreError.
NAME_BYTES_MAX: Final = 400  # of a list or campaign, in UTF-8; LMDB keys hold 511 bytes
CONTACT_BYTES_MAX: Final = 65_536  # one row with all its columns, as stored
PHONE_MAX: Final = 10**15 - 1  # E.164: at most 15 digits
COLUMNS_MAX: Final = 1_000  # different columns of one list
LIST_SIZE_MAX: Final = 100_000_000
EVENTS_PER_OP_MAX: Final = 1_000  # later ones of one operation are dropped
EVENT_INDEX_MAX: Final = 10_000  # events of one attempt past this index are dropped

VERSIONS_MAX: Final = 10_000  # of one script or flow
QUESTION_BYTES_MAX: Final = 128  # an answer to a longer question id is not kept
ANSWER_BYTES_MAX: Final = 65_536  # nor is a longer answer

# Claims: a larger n is cut down.
CLAIM_MAX: Final = 1_000
EXAMINED_MAX: Final = 2_000  # capped and blocked leads one claim may set aside before it answers
BANS_MAX: Final = 64  # do-not-call entries of one number that are looked at
CAP_ENTRIES_MAX: Final = 1_000  # calls remembered for each number and each kind of counting

RETURN_LEADS_MAX: Final = 200  # of one number, newest first: whose caller-back it may be

# What ended, and who takes it.
CURSORS_MAX: Final = 1_000
CURSOR_NAME_MAX: Final = 100
OUTBOX_MAX: Final = 10_000_000  # rows that may wait at most; past those allowed they are dropped

# Transactions: longer work is cut into steps, so that other writers get their turn between them.
STEP_ROWS: Final = 4_000
SCAN_PAGE: Final = 10_000
LISTED_MAX: Final = 100_000  # lists, campaigns, or moves of one campaign, in one answer

# The writer: past QUEUE_MAX requests are refused with StoreFailedError.
GROUP_MAX: Final = 64
LINGER_S: Final = 0.005
YIELD_S_MIN: Final = 0.002  # between two commits of who yields, for whoever waits to wake up
YIELD_S_MAX: Final = 0.1
QUEUE_MAX: Final = 100_000

# The files.
MAP_BYTES: Final = 1 << 40  # address space, not disk; halved while the system refuses it
MAP_BYTES_MIN: Final = 1 << 24
READERS_MAX: Final = 1_022
PROBLEMS_MAX: Final = 100  # of a damaged file told one by one; the others are counted
TAIL_PAGES_MAX: Final = 16  # pages a sound file may lack at its end; more are missing: cut off

# Agents.
AGENT_BYTES_MAX: Final = 256  # of a name in a key
MET_KEPT_MS: Final = (CAP_WINDOW_S_MAX + 86_400) * 1_000  # longer than any legal window
MET_DROPPED: Final = 4  # older quarters that go whenever a new one begins
PAST_ATTEMPTS_MAX: Final = 1_000  # of one number, looked at for its last calls
NOTES_MAX: Final = 200  # of one number; then the oldest go

# Modem banks.
CARDS_MAX: Final = 4_096  # SIMs remembered; then those seen longest ago are forgotten
TEXTS_MAX: Final = 100_000  # texts that reached them; then the oldest goes
SIM_NAME_BYTES: Final = 64  # of an ICCID in a key
