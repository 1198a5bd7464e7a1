"""The bounds of the dialing core, and what happens at each of them."""

from __future__ import annotations

from typing import Final

# Regimes and campaigns: settings past these are refused.
HOURS_MAX: Final = 50  # calling windows of one campaign
HORIZON_DAYS: Final = 15  # how far ahead an opening is looked for: long holidays and a week
CAP_CALLS_MAX: Final = 1_000
MET_S: Final = 900  # people met are kept by quarters: every zone's midnight begins one
CAP_WINDOW_S_MAX: Final = 366 * 86_400
ATTEMPTS_MAX: Final = 100
RECHECKS_MAX: Final = 10
RETRY_GAP_S_MAX: Final = 90 * 86_400
IN_FLIGHT_RETRY_S: Final = 60  # when a number that is being called is looked at again
RING_S_MIN: Final = 5
RING_S_MAX: Final = 180
PRIORITY_MAX: Final = 99  # of a person; larger ones count as this, unreadable ones as 0
LISTS_MAX: Final = 20  # of one campaign
NUMBERS_MAX: Final = 5  # of one person; further ones are not dialed
RANK_END: Final = 1_000_000_000  # seconds due before it (in 2001) are ranks of leads not called yet
WEIGHT_MAX: Final = 100  # of a campaign against others
KEPT_DAYS_MAX: Final = 36_500
CALLS_PER_S_MAX: Final = 10_000.0
NAME_CHARS_MAX: Final = 200

# Attempts.
OWN_FAULTS_MAX: Final = 3  # failed or cancelled tries beyond attempts_max; then exhausted

# Flows: a flow past these is refused; a call that visits more steps ends; further early keys are
# recorded and otherwise ignored.
STEPS_MAX: Final = 100
VISITS_MAX: Final = 100
KEYS_EARLY_MAX: Final = 32
TRANSFERS_MAX: Final = 5  # tried in one call; then a transfer fails
PROMPT_CHARS_MAX: Final = 128
PARTS_MAX: Final = 16  # of one step
PLAYS_MAX: Final = 10  # of one step
SILENCE_MS: Final = 200  # of the prompt that pauses are made of
PAUSE_MS_MAX: Final = 5_000  # between two plays of a step
CHAIN_MAX: Final = 128  # prompts of one step, words and repetitions included; more are left out
VALUE_CHARS_MAX: Final = 64  # a longer value is not said
DIGITS_SAID_MAX: Final = 24
WAIT_MS_MAX: Final = 120_000
GATHERED_MAX: Final = 40  # keys of one field
GATHER_TRIES_MAX: Final = 10
CASES_MAX: Final = 100  # of one step that chooses
TAPE_S_MAX: Final = 600  # of one recorded answer
FIELD_CHARS_MAX: Final = 64  # of a field's name
FIELD_VALUE_CHARS_MAX: Final = 256  # a longer value that a flow sets is cut
FLOW_FIELDS_MAX: Final = 100  # kept of one call; further ones are used and not kept

# Scripts: one past these is refused; a longer answer is refused.
ITEMS_MAX: Final = 200
CHOICES_MAX: Final = 100  # of one question
BRANCHES_MAX: Final = 100  # of one question
TEXT_CHARS_MAX: Final = 10_000  # to be read out
DECIMALS_MAX: Final = 6
ANSWER_CHARS_MAX: Final = 10_000

# Calls: further history lines and keys are counted, not kept.
EVENTS_MAX: Final = 500
SOUNDS_MAX: Final = 50  # of its lines those that were heard: keys come behind them
KEYS_MAX: Final = 100
ADVANCES_MAX: Final = 3  # further trunks tried for one attempt; then it has failed
RETURNS_MAX: Final = 10  # tries of one attempt on trunks that are full or called too fast
RETURN_S_MAX: Final = 15  # how long it waits for one of them; then it has failed
ADVANCE_S_MAX: Final = 5  # how long an attempt waits for another trunk; then it has failed
CALL_S_MAX: Final = 900  # an answered call is hung up
TALK_S_MAX: Final = 14_400  # the same of people who talk, where the line's plan has no limit
RELEASE_S_MAX: Final = 40  # a line that never confirms a hang-up; above SIP's 64*T1 = 32 s

# Calls to us: further ones are refused.
INBOUND_ASKED_MAX: Final = 1_000  # looked up at once
RETURN_HELD_S: Final = 10  # how long one is held while our own call to it ends; then it is busy
ACK_S_MAX: Final = 40  # a caller who never confirms our answer; above SIP's 64*T1 = 32 s
RETURN_DAYS_MAX: Final = 366

# Trunks.
TRUNKS_MAX: Final = 10_000  # further ones are not used
CATCH_UP_NS: Final = 200_000_000  # how much of a stall is made up for at full speed
CPS_MARGIN_NS: Final = 20_000_000  # a carrier counts arrivals, and commits delay calls unevenly
FAULTS_IN_A_ROW: Final = 5  # line failures after which a trunk rests
REST_S_MIN: Final = 1
REST_S_MAX: Final = 60
RETRY_AFTER_S_MAX: Final = 600  # a longer Retry-After is taken for this long
TOO_FAST_HOLD_S: Final = 1  # complaints within it speak of the same pace
RAISE_GAP_S: Final = 5  # without a complaint, before a lowered rate is raised a step
RAISE_SHARE: Final = 0.05  # of the configured rate: a step
RATE_SHARE_MIN: Final = 0.1  # of the configured rate: a rate is never lowered further
RATE_FLOOR: Final = 0.5  # calls a second, for trunks whose tenth is less
FULL_S_MIN: Final = 1  # how long a trunk without a free channel is left alone
FULL_S_MAX: Final = 30
SUSPECT_S: Final = 60  # how long a line that failed, or is hardly answered, stands behind others
ASR_CALLS: Final = 50  # calls that say how many are answered,
ASR_SHARE: Final = 0.25  # and how much less than its fellows is too little
PORTS_MAX: Final = 512  # of one trunk; further ones are not used
PORT_FAULTS: Final = 3  # failures in a row after which a port rests
PORT_REST_S_MIN: Final = 30
PORT_REST_S_MAX: Final = 1_800
RESERVE_S: Final = 60  # talk time that a call in progress is expected to use of a quota
LEFT_S_MIN: Final = 30  # talk time that a quota must have left for a call to begin
CUT_S: Final = 5  # how long before its free time is over a call is ended
USAGE_DAYS_MAX: Final = 400  # days whose usage is remembered

# Claims: how far ahead leads are leased, and when one is given back rather than dialed late.
LEASE_S: Final = 60
LEASE_MARGIN_S: Final = 10
AHEAD_S: Final = 3
CLAIM_MIN: Final = 8
CLAIM_MAX: Final = 500
ASK_GAP_NS: Final = 200_000_000  # between two claims when the last one fell short
ASK_AGAIN_S: Final = 60  # ask at least so often, whatever the store said of due times
BACK_OFF_S_MIN: Final = 1
BACK_OFF_S_MAX: Final = 30

# The dialer.
CAMPAIGNS_MAX: Final = 1_000  # known at once; further ones are refused and say so
FINISHED_KEPT: Final = 50  # finished campaigns that statistics still show
DIALS_PER_STEP: Final = 64  # then the driver gets its turn
STALE_TIMERS_MAX: Final = 4  # beyond two for each call; then those that mean nothing are forgotten

# Agents: further ones are refused with words.
AGENTS_MAX: Final = 2_000  # known at once
SUPERVISORS_MAX: Final = 4  # who listen in on one call
AGENT_CAMPAIGNS_MAX: Final = 50  # that one agent has joined
AGENT_NAME_CHARS_MAX: Final = 64
QUEUES_MAX: Final = 50  # of one agent
MEMBERS_MAX: Final = 2_000  # agents and queues of one campaign
DISPOSITIONS_MAX: Final = 50
TRANSFER_NUMBERS_MAX: Final = 100  # of one campaign
REASON_CHARS_MAX: Final = 200  # longer reasons are cut
SENT_KEYS_MAX: Final = 32  # in one request, and waiting to leave
NOTE_CHARS_MAX: Final = 4_000  # longer notes are cut
CALLBACK_AHEAD_S_MAX: Final = 366 * 86_400
AGENT_LEASE_S: Final = 3_600  # how long an agent may look at a card; then it goes back
CARD_WAIT_S: Final = 60  # how long a card that is to be dialed waits for a line; then it goes back
CARD_AGAIN_S: Final = 120  # after which that customer is due again
MESSAGE_S_MAX: Final = 60  # of one for a customer without an agent; then the call ends
CALLBACKS_SHOWN_MAX: Final = 1_000
CALLBACKS_READ_MAX: Final = 20_000  # of one campaign, to find the earliest
PAST_MAX: Final = 20  # earlier calls that an agent sees of a customer
AGENT_RETURN_S: Final = 120  # how long a shift's telephone is rung again after a restart
RING_AGAIN_S: Final = 2  # between two such rings
AGENT_SHIFT_S_MAX: Final = 57_600  # who has not moved for longer is not logged in after a restart
PACE_NS: Final = 100_000_000  # between two decisions of a pacer
