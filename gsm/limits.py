"""Every bound of the modem side, and what happens at it. Times are nanoseconds."""

from __future__ import annotations

from typing import Final

MS: Final = 1_000_000
SECOND: Final = 1_000 * MS

# what a port says
LINE_MAX: Final = 4_096  # bytes of one line; the rest of a longer one is dropped
RESPONSE_LINES_MAX: Final = 256  # lines of one answer; further ones are dropped
TOKENS_MAX: Final = 4_096  # tokens of one feeding; the bytes that made more are dropped
FEED_MAX: Final = 65_536  # bytes looked at in one feeding; more are dropped: no modem says that
FLOOD_RATE: Final = 4_096  # bytes a second that are listened to in the long run
FLOOD_BURST: Final = 65_536  # at once; then it is read once a second
FLOOD_TURNS: Final = 5  # such seconds in a row: the port is closed, and opened after its back-off

# what is said to it
COMMAND_MAX: Final = 500  # characters of one command; 27.007 leaves it open, modules take 500-2048
NUMBER_MAX: Final = 32  # characters of a dial string
USSD_MAX: Final = 182  # characters of a USSD code (23.038: 160 octets hold 182 septets)
DIGITS_MAX: Final = 64  # keys that wait to be sent; more are dropped
QUEUE_MAX: Final = 64  # commands that wait; a further one is refused
PASSTHROUGH_MAX: Final = 4  # operators' commands and USSD codes that wait; more are refused
FILE_MAX: Final = 1_048_576  # bytes of a file on a module: a minute of speech; a larger is refused
FILE_CHUNK: Final = 2_048  # bytes of it fetched by one command
FILES_QUEUE_MAX: Final = 8  # files that wait to be moved; more are refused
POUR: Final = 1_024  # bytes written at a time, a line of 115,200 baud takes them within
POUR_EVERY: Final = 100 * MS
SMS_PARTS_MAX: Final = 10  # parts of one text to be sent; a longer text is refused
SMS_QUEUE_MAX: Final = 16  # texts that wait to be sent; more are refused
SMS_PENDING_MAX: Final = 32  # long texts of which parts are missing; the oldest is told as it is
SMS_PENDING_TIME: Final = 600 * SECOND  # for the other parts; then it is told as it is
SMS_LISTED_MAX: Final = 64  # stored texts fetched in one go

# time of commands, where a dialect says nothing else
BRIEF: Final = 1_500 * MS  # of what a modem need not know, and may meet with silence
SHORT: Final = 2 * SECOND
MEDIUM: Final = 5 * SECOND
LONG: Final = 40 * SECOND
DIAL: Final = 90 * SECOND  # an ATD may wait for the answer (27.007 6.31 COLP)
GUARD: Final = 50 * MS  # after a final result, before the next command
QUIET: Final = 300 * MS  # without a byte, before a port that did not answer is spoken to again
RESYNC_TRIES: Final = 3  # `AT` after a timeout; then the port is opened anew
TIMEOUTS_MAX: Final = 10  # in a row: the module is dead
SYNC_TRIES: Final = 5  # `AT` after opening
SYNC_EACH: Final = 1 * SECOND
BOOT_MAX: Final = 20 * SECOND  # a modem that has just got its power is silent so long (SIM7600: 14)
OPEN_MAX: Final = 10 * SECOND  # for the driver to open the device
SIM_TRIES: Final = 15  # AT+CPIN? while a card is still starting
SIM_EVERY: Final = 2 * SECOND
PIN_TRIES_LEFT_MIN: Final = 2  # with fewer a PIN is never sent

# calls
MISSES_MAX: Final = 3  # listings without our call: it is over
ORIGINATE_MAX: Final = 10 * SECOND  # from ATD until the call is listed as dialing or alerting
RING_MAX: Final = 45 * SECOND  # until it is answered
RING_LOST: Final = 10 * SECOND  # an incoming call without RING is over
CALLER_WAIT: Final = 400 * MS  # for the number of who calls
HANG_UP_STEP: Final = 3 * SECOND  # one rung of the ladder
COOL_DOWN: Final = 2 * SECOND
TALK_MAX: Final = 4 * 3_600 * SECOND  # of a call whose end nobody would see
RINGS_MAX: Final = 120 * SECOND  # of a call to us that nobody takes; then it is refused
WARN_BEFORE: Final = 30 * SECOND
CALLS_MAX: Final = 7  # calls of one listing that are looked at (27.007: 7 in a multiparty)
CLEARING_MAX: Final = 3  # ladders against calls that we did not make; then the module is reset

# care of the port
IDLE_PING: Final = 10 * SECOND
IDLE_STATUS: Final = 60 * SECOND
SEARCH_AFTER: Final = 60 * SECOND  # unregistered: AT+COPS=0
RADIO_AFTER: Final = 180 * SECOND  # then the radio off and on
MODULE_AFTER: Final = 300 * SECOND  # then the module is reset
BACK_OFF_MIN: Final = 15 * SECOND
BACK_OFF_MAX: Final = 300 * SECOND
DRAIN_TIME: Final = 3 * SECOND  # all calls hung up and the port closed

# what is kept
CARDS_MAX: Final = 64  # cards remembered by a port; the oldest is forgotten
LOCKS_MAX: Final = 8  # reasons at a time
HISTORY_BYTES: Final = 512  # of one traced line
CAUSE_TEXT_MAX: Final = 120
NAME_MAX: Final = 64  # characters of an operator, model, caller
TEXT_MAX: Final = 2_048  # characters of a USSD answer or a text
