"""How many calls to start now: predictive pacing, fed only with what a site sees.

Times are seconds of any clock that does not go back, ids are integers of the caller. Events may be
doubled, unknown or out of order: none raises, and what makes no sense is ignored. Memory is laid
out once for `agents_max`.
"""

from typing import Any

from typing_extensions import disjoint_base

@disjoint_base
class Pacer:
    """One campaign's pacing.

    `abandon_target` is the share of people who may find no agent within `grace_s` of wanting one;
    it is kept over the whole campaign and in each window (`begin_window`). `lines_per_agent_max`
    bounds the calls under way, those with agents included, by the agents who are logged in.
    `seed` changes nothing: the pacer uses no chance. ValueError: a setting that cannot be.
    """

    def __init__(
        self,
        agents_max: int,
        *,
        abandon_target: float = 0.03,
        lines_per_agent_max: float = 3.0,
        grace_s: float = 2.0,
        seed: int = 0,
    ) -> None: ...
    @property
    def abandon_target(self) -> float:
        """As set."""
    @property
    def lines_per_agent_max(self) -> float:
        """As set."""
    @property
    def grace_s(self) -> float:
        """As set."""
    @property
    def seed(self) -> int:
        """As set."""
    @property
    def people(self) -> int:
        """People who answered, in all."""
    @property
    def abandoned_people(self) -> int:
        """Those of them who found no agent."""
    def dial_started(self, call: int, now: float, p: float | None = None) -> None:
        """A call rings; `p` is the chance that this lead answers, if it is known (0 to 1).

        When the table is full (twice the calls that the agents' lines allow), the oldest call is
        forgotten.
        """
    def call_ended(self, call: int, now: float, cause: str) -> None:
        """A call ended without an agent: `busy`, `no_answer`, `failed`, `machine`.

        A person who hangs up while waiting counts as abandoned, except by `machine`: then it was
        none. Of calls that an agent was reserved for nothing need be said.
        """
    def answered(self, call: int, now: float) -> None:
        """Picked up; whether it is a person is not known yet. It may be left out."""
    def human_answered(self, call: int, now: float) -> None:
        """It is a person, who wants an agent now."""
    def abandoned(self, call: int, now: float) -> None:
        """A person found no agent in time, or the agent reserved did not come."""
    def agent_ready(self, agent: int, now: float) -> None:
        """An agent may take a call. Any of these five may be the first that is said of an agent.

        A new agent beyond `agents_max` takes the seat of one who left, or is ignored.
        """
    def agent_reserved(self, agent: int, call: int, now: float) -> None:
        """An agent was chosen for a call."""
    def agent_talking(self, agent: int, now: float) -> None:
        """They talk. Of one not reserved: with whoever waited longest."""
    def agent_wrap_up(self, agent: int, now: float) -> None:
        """The call is over, its paperwork not."""
    def agent_left(self, agent: int, now: float) -> None:
        """On a break, or gone."""
    def begin_window(self, people: int = 0, abandoned: int = 0) -> None:
        """A new window of the legal cap begins, with what was counted in it before, if anything."""
    def dials(self, now: float, lines_free: int) -> int:
        """How many calls to start now, 0 to `lines_free`. Ask each 0.1 to 2 s.

        What was not dialed of an earlier answer is not remembered; what is dialed is told by
        `dial_started`.
        """
    def explain(self) -> dict[str, Any]:
        """The last decision: `sentence` for people, and the figures behind it.

        `bound` says what kept it from being more: agents, lines per agent, free lines, pace of
        starting.
        """
