"""A broadcast's call whose machine is to be found out: what it goes through beside its flow.

    | state   | what it waits for                           | and then                            |
    |---------|---------------------------------------------|-------------------------------------|
    | verdict | who answered; with `verdict_s` for so long  | a person has the flow               |
    | beep    | the end of the machine's greeting           | the message                         |
    | message | its end                                     | the end                             |
    |         | a beep, where none was there before         | the message anew                    |

Without `verdict_s` the flow plays from the answer on, and a machine takes it back.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from dialerd.core.agent import ns
from dialerd.core.agent_records import OnMachine
from dialerd.core.clock import NEVER
from dialerd.core.records import Answerer
from dialerd.core.saying import Saying

if TYPE_CHECKING:
    from dialerd.core.hear_side import HearSide
    from dialerd.core.manners import Manners


class GreetedState(IntEnum):
    """Where it stands."""

    VERDICT = 0
    BEEP = 1
    MESSAGE = 2
    OVER = 3


VERDICT, BEEP, MESSAGE, OVER = GreetedState

# (state, trigger) -> the states it may lead to; OVER without an end: the flow has the call.
MOVES: Final[dict[tuple[GreetedState, str], tuple[GreetedState, ...]]] = {
    (VERDICT, "verdict"): (BEEP, OVER),
    (VERDICT, "key"): (OVER,),
    (VERDICT, "time"): (OVER,),
    (BEEP, "beep"): (MESSAGE,),
    (BEEP, "time"): (MESSAGE,),
    (MESSAGE, "beep"): (MESSAGE,),
    (MESSAGE, "played"): (OVER,),
    (MESSAGE, "time"): (OVER,),
}
_MESSAGE: Final = -1  # a token that no flow has


class Greeted:
    """One call."""

    __slots__ = ("_call", "_manners", "_plays", "_saying", "deadline_ns", "state")

    def __init__(self, call: HearSide, manners: Manners, *, plays: bool) -> None:
        """`plays`: the flow does already."""
        self._call = call
        self._manners = manners
        self._plays = plays
        self._saying = Saying(call, _MESSAGE)
        self.state = VERDICT
        self.deadline_ns = NEVER

    def start(self, now_ns: int) -> None:
        """Answered, and the flow waits."""
        self.deadline_ns = now_ns + ns(self._manners.verdict_s)

    def verdict(self, who: Answerer, now_ns: int) -> None:
        """Who answered."""
        if (self.state, "verdict") not in MOVES:
            return
        policy = self._manners.towards(who)
        if policy is OnMachine.CONNECT:
            self._over(now_ns)
            return
        self._call.take_back(self)
        if who is Answerer.UNKNOWN and policy is OnMachine.HANG_UP and not self._plays:
            self._call.mark_unheard()
        else:
            self._call.mark_machine()
        if policy is OnMachine.LEAVE_MESSAGE:
            self.state = BEEP
            self.deadline_ns = now_ns + ns(self._manners.beep_s_max)
        else:
            self._end(now_ns)

    def beep(self, now_ns: int, *, guessed: bool = False) -> None:
        """The machine listens; `guessed`: as far as silence or waiting tell."""
        if self.state is MESSAGE and not guessed:
            self.deadline_ns = self._saying.beep(now_ns) or self.deadline_ns
        elif self.state is BEEP:
            self.state = MESSAGE
            self.deadline_ns = self._saying.begin(self._manners.message, now_ns, guessed=guessed)

    def played(self, token: int, now_ns: int) -> None:
        """A prompt ran to its end."""
        if (self.state, "played") in MOVES and self._saying.ended(token, now_ns):
            self._end(now_ns)

    def tick(self, now_ns: int) -> None:
        """What it waited for has not come."""
        if now_ns < self.deadline_ns:
            return
        if self.state is VERDICT:
            self._over(now_ns)
        elif self.state is BEEP:
            self.beep(now_ns, guessed=True)
        elif self.state is MESSAGE:
            self._end(now_ns)

    def key(self, _key: str, now_ns: int) -> None:
        """A machine presses none."""
        if self.state is VERDICT:
            self._over(now_ns)

    def _over(self, now_ns: int) -> None:
        """As to a person."""
        self.state = OVER
        self.deadline_ns = NEVER
        if not self._plays:
            self._call.begin_flow(now_ns)

    def _end(self, now_ns: int) -> None:
        self.state = OVER
        self.deadline_ns = NEVER
        self._call.machine_over(now_ns)
