"""What may happen between a port and its modem, one command at a time.

Rules:

- A line is first looked up among those that come unasked, because they come in the middle of
  answers too. What can be both (`+CREG:`) is an answer when the command in flight asks for it.
- After a final result the line rests for a moment (`GUARD`), because modules send what they held
  back then, and lose what is written into that.
- After a timeout nothing is taken for an answer until the modem has proved that it answers us: it
  must be still for `QUIET`, then answer a question whose answer only it gives, its own IMEI. Modems
  answer in order, so all that was late has come before that. The next command can thus never get
  the answer of the one before.
  A proof that was asked for twice may be given twice: the second is dropped with its final result.
- A hang-up does not wait for an ATD that does. The next final result may be either's, so the port
  asks for the same proof after it: the other one has come before that.
- A prompt that nobody asked for, or that leads nowhere, is left by an escape: there is no other way
  out of it, all commands would be taken as text.
- A modem that is silent to the proof `RESYNC_TRIES` times, or leaves `TIMEOUTS_MAX` commands in a
  row unanswered, is dead: the port says so and is opened anew.
"""

from __future__ import annotations

STATES = ("closed", "idle", "prompting", "waiting", "resting", "quiet", "proving", "dead")
CLOSED, IDLE, PROMPTING, WAITING, RESTING, QUIETING, PROVING, DEAD = range(8)
EVENTS = (
    "opened", "send", "send with text", "prompt", "final result", "no reply", "in haste", "rested",
    "still", "proved", "given up", "closed",
)  # fmt: skip
(OPENED, SEND, SEND_TEXT, PROMPTED, FINAL_RESULT, NO_REPLY, IN_HASTE, RESTED, STILL, PROVED,
 GIVEN_UP, SHUT) = range(12)  # fmt: skip
TABLE: dict[tuple[int, int], int] = {
    (CLOSED, OPENED): IDLE,
    (IDLE, SEND): WAITING,
    (IDLE, SEND_TEXT): PROMPTING,
    (PROMPTING, PROMPTED): WAITING,
    (PROMPTING, FINAL_RESULT): RESTING,  # refused without a prompt
    (PROMPTING, NO_REPLY): QUIETING,
    (WAITING, FINAL_RESULT): RESTING,
    (WAITING, NO_REPLY): QUIETING,
    (WAITING, IN_HASTE): IDLE,  # a hang-up while ATD waits for the answer
    (RESTING, RESTED): IDLE,
    (QUIETING, STILL): PROVING,
    (PROVING, PROVED): RESTING,
    (PROVING, NO_REPLY): QUIETING,
    (WAITING, GIVEN_UP): DEAD,
    (PROMPTING, GIVEN_UP): DEAD,
    (PROVING, GIVEN_UP): DEAD,
    **{(state, SHUT): CLOSED for state in range(1, 8)},
}
