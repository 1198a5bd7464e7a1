"""How a campaign finds out who answered, and what becomes of a machine, as the store keeps it.

As in `dialerd.core.records`: fields are only appended.
"""

from __future__ import annotations

from dialerd.core.agent_records import OnMachine
from dialerd.core.record import Record

CLASSIC = "classic"
"""The detector of that name is the classic rule."""


class Detection(Record):
    """Means something where `machines` is on, here for a broadcast, else in `AgentSettings`.

    Attributes:
        detector: the name of a model; empty: the daemon's own, "classic": the classic rule.
        classic: parameters of that rule; the others have their defaults.
        on_unknown: what becomes of a call of which it was not found out who answered.
        beep_s_max: how long a message waits for the end of a machine's greeting.
        quiet_s: so much silence is that end as well, where no beep was heard; 0: it is not.
        machines: of a broadcast: who answered is found out.
        verdict_s: of a broadcast: how long the flow waits for that; 0: it plays at once.
        on_machine: of a broadcast; `connect`: its flow plays as to a person.
        machine_prompt: of a broadcast: what a machine is told.
        revise_s: who was taken for a person may turn out a machine until so long after the first
            word, unless an agent talks to them by then; 0: never.
    """

    detector: str = ""
    classic: dict[str, int] = {}  # noqa: RUF012 - a Struct copies it
    on_unknown: OnMachine = OnMachine.CONNECT
    beep_s_max: float = 30.0
    quiet_s: float = 2.0
    machines: bool = False
    verdict_s: float = 0.0
    on_machine: OnMachine = OnMachine.CONNECT
    machine_prompt: str = ""
    revise_s: float = 0.0
