"""The life of a port: what may happen in each of its states.

Rules:

- A call is dialed from `ready` only, one at a time. What is asked in another state is refused with
  the reason, and changes nothing.
- Every state in which the device is open ends in `absent` when it is lost, and in `dead` when the
  modem stays silent; both try again after a back-off that grows from 15 to 300 s, with chance in
  it.
- A reset is asked for at any time and begins when the port is idle: not while a call, a code, a
  text or a file is under way. Only a call that no command ends is ended by a reset.
- `ready` is entered through one gate: who is locked goes on to `locked`, who has no network to
  `register`, who is to be reset to `resetting`.
- A card that was taken out in the midst of something is asked who it is before the next call.
- A module that starts anew by itself is brought up from the beginning.
"""

from __future__ import annotations

from typing import Final

STATES = (
    "closed", "opening", "absent", "sync", "identify", "sim", "register", "ready", "dialing",
    "alerting", "active", "releasing", "cool down", "incoming", "ussd", "sms", "files", "locked",
    "sim fault", "degraded", "resetting", "draining", "dead",
)  # fmt: skip
(CLOSED, OPENING, ABSENT, SYNC, IDENTIFY, SIM, REGISTER, READY, DIALING, ALERTING, ACTIVE,
 RELEASING, COOL_DOWN, INCOMING, USSD, SMS, FILES, LOCKED, SIM_FAULT, DEGRADED, RESETTING,
 DRAINING, DEAD) = range(23)  # fmt: skip

EVENTS = (
    "start", "opened", "lost", "silent", "answers", "identified", "card usable", "card fault",
    "registered", "unregistered", "dial", "rings there", "answered", "hang up", "call over",
    "rested", "rings here", "code", "text", "done", "lock", "unlock", "unfit", "reset", "restarted",
    "time", "drain", "drained", "file",
)  # fmt: skip
(START, OPENED, LOST, SILENT, ANSWERS, IDENTIFIED, CARD, FAULT, REGISTERED, UNREGISTERED, DIAL,
 RINGS_THERE, ANSWER, HANG_UP, OVER, RESTED, RINGS_HERE, CODE, TEXT, DONE, LOCK, UNLOCK, UNFIT,
 RESET, RESTARTED, TIME, DRAIN, DRAINED, FILE) = range(29)  # fmt: skip

OPEN: Final = tuple(range(SYNC, DRAINING + 1))  # the device is open
IDLE: Final = (REGISTER, READY, LOCKED, SIM_FAULT, DEGRADED)
CALL: Final = (DIALING, ALERTING, ACTIVE, RELEASING, INCOMING)
UP: Final = tuple(range(IDENTIFY, DEGRADED + 1))  # the modem has answered

TABLE: dict[tuple[int, int], int] = {
    (CLOSED, START): OPENING,
    (OPENING, OPENED): SYNC,
    (OPENING, LOST): ABSENT,
    (OPENING, DRAIN): CLOSED,
    (ABSENT, TIME): OPENING,
    (ABSENT, DRAIN): CLOSED,
    (DEAD, TIME): OPENING,
    (DEAD, DRAIN): CLOSED,
    **{(state, LOST): ABSENT for state in OPEN},
    **{(state, SILENT): DEAD for state in OPEN},
    **{(state, RESTARTED): SYNC for state in UP},
    **{(state, DRAIN): DRAINING for state in OPEN if state != DRAINING},
    # coming up
    (SYNC, ANSWERS): IDENTIFY,
    (IDENTIFY, IDENTIFIED): SIM,
    (IDENTIFY, UNFIT): DEGRADED,
    (SIM, CARD): REGISTER,
    (SIM, FAULT): SIM_FAULT,
    (SIM, UNFIT): DEGRADED,
    (REGISTER, REGISTERED): READY,
    (REGISTER, FAULT): SIM_FAULT,
    (REGISTER, UNFIT): DEGRADED,
    (REGISTER, RINGS_HERE): INCOMING,
    # idle
    (READY, DIAL): DIALING,
    (READY, RINGS_HERE): INCOMING,
    (READY, CODE): USSD,
    (READY, TEXT): SMS,
    (READY, FILE): FILES,
    (READY, LOCK): LOCKED,
    (READY, UNREGISTERED): REGISTER,
    (READY, FAULT): SIM_FAULT,
    (READY, CARD): SIM,  # it was taken out meanwhile, perhaps changed
    (LOCKED, UNLOCK): READY,
    (LOCKED, RINGS_HERE): INCOMING,
    (LOCKED, CODE): USSD,
    (LOCKED, TEXT): SMS,
    (LOCKED, FILE): FILES,
    (LOCKED, UNREGISTERED): REGISTER,
    (LOCKED, FAULT): SIM_FAULT,
    # calls
    (DIALING, RINGS_THERE): ALERTING,
    (DIALING, ANSWER): ACTIVE,
    (DIALING, HANG_UP): RELEASING,
    (DIALING, OVER): COOL_DOWN,
    (ALERTING, ANSWER): ACTIVE,
    (ALERTING, HANG_UP): RELEASING,
    (ALERTING, OVER): COOL_DOWN,
    (INCOMING, ANSWER): ACTIVE,
    (INCOMING, HANG_UP): RELEASING,
    (INCOMING, OVER): COOL_DOWN,
    (ACTIVE, HANG_UP): RELEASING,
    (ACTIVE, OVER): COOL_DOWN,
    (RELEASING, OVER): COOL_DOWN,
    (RELEASING, RESET): RESETTING,  # no command ends that call
    (COOL_DOWN, RESTED): READY,
    (COOL_DOWN, RINGS_HERE): INCOMING,
    # codes and texts
    (USSD, DONE): READY,
    (USSD, RINGS_HERE): INCOMING,
    (SMS, DONE): READY,
    (SMS, RINGS_HERE): INCOMING,
    (FILES, DONE): READY,
    (FILES, RINGS_HERE): INCOMING,
    # faults
    **{(state, RESET): RESETTING for state in IDLE},
    (SIM_FAULT, TIME): SIM,
    (SIM_FAULT, CARD): SIM,
    (DEGRADED, TIME): IDENTIFY,
    (RESETTING, LOST): OPENING,  # a module on USB leaves and comes back
    (RESETTING, ANSWERS): IDENTIFY,
    # the end
    (DRAINING, DRAINED): CLOSED,
    (DRAINING, LOST): CLOSED,
    (DRAINING, SILENT): CLOSED,
}
