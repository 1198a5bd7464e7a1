"""What is said to one whom nobody talks with: once, or once more behind the beep of a machine.

A message that silence or waiting began may have begun into a greeting with pauses. The beep tells,
and the message is begun anew: a machine keeps what comes behind its beep, and nothing before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialerd.core.agent import ns
from dialerd.core.effects import Play
from dialerd.core.limits import MESSAGE_S_MAX
from dialerd.core.records import EventKind

if TYPE_CHECKING:
    from dialerd.core.hear_side import HearSide


class Saying:
    """The message of one call."""

    __slots__ = ("_call", "_guessed", "_prompt", "_token")

    def __init__(self, call: HearSide, token: int) -> None:
        """`token` is that of the first prompt; one that is begun anew has the next from 0 on."""
        self._call = call
        self._token = token
        self._prompt = ""
        self._guessed = False

    def begin(self, prompt: str, now_ns: int, *, guessed: bool = False) -> int:
        """Say it; when it must be over. `guessed`: a machine may not listen yet."""
        call = self._call
        self._prompt, self._guessed = prompt, guessed
        call.record(EventKind.PROMPT_STARTED, prompt, now_ns)
        call.out.append(Play(call.claim.attempt_id, call.leg, (prompt,), self._token))
        return now_ns + ns(MESSAGE_S_MAX)

    def beep(self, now_ns: int) -> int:
        """A machine listens from here on: when a message begun anew must be over; 0: it is not."""
        if not self._guessed:
            return 0
        self._token += 1 if self._token > 0 else -1
        return self.begin(self._prompt, now_ns)

    def ended(self, token: int, now_ns: int) -> bool:
        """A prompt ran to its end: whether it was this one."""
        if token == self._token:
            self._call.record(EventKind.PROMPT_ENDED, "", now_ns)
        return token == self._token
