"""What the agents of a simulated day saw and said: the books that the dialer's are held against."""

from __future__ import annotations

import msgspec

from dialerd.core.ops import Claim
from dialerd.sim.day_scenario import AgentTable


class Talk(msgspec.Struct):
    """One agent with one customer, in monotonic ns; 0: not over."""

    agent: str
    call: int
    customer: int  # the leg
    phone: int
    begun_ns: int
    ended_ns: int = 0
    fell: bool = False  # the agent's page or telephone went away in it


class Promise(msgspec.Struct, frozen=True):
    """A callback that a customer was promised, and the daemon took."""

    agent: str
    campaign: int
    lead: int
    phone: int
    due_s: int  # Unix
    to_me: bool
    said_ns: int  # when the daemon said that it is kept


class Never(msgspec.Struct, frozen=True):
    """Somebody told an agent never to call again, and the daemon took it."""

    agent: str
    phone: int
    said_ns: int


class Agent:
    """One of them, with what the day was made of."""

    __slots__ = (
        "break_ns", "break_s", "campaigns", "claim", "manual", "name", "reason", "state", "table",
        "turn", "wrap_s",
    )  # fmt: skip

    def __init__(
        self, name: str, table: AgentTable, campaigns: tuple[int, ...], manual: frozenset[int]
    ) -> None:
        """At home. `manual` are those campaigns whose customers are asked for one by one."""
        self.name = name
        self.table = table
        self.campaigns = campaigns
        self.manual = manual
        self.state = self.reason = ""
        self.turn = 0  # grows with every move: what was meant for an earlier one is not done
        self.claim: Claim | None = None  # the customer on its card, or the last one
        self.wrap_s = 0.0
        self.break_s = 0.0
        self.break_ns = 1 << 62  # when the next one is wanted


class StaffLedger:
    """All of it.

    `cards` are (monotonic ns, agent, attempt), `moves` (ns, state) by agent, `settled` (ns,
    campaign, lead) of customers who an agent said are done with, or put off.
    """

    def __init__(self) -> None:
        """Nothing has happened."""
        self.talks: list[Talk] = []
        self.promises: list[Promise] = []
        self.nevers: list[Never] = []
        self.cards: list[tuple[int, str, int]] = []
        self.settled: list[tuple[int, int, int]] = []
        self.moves: dict[str, list[tuple[int, str]]] = {}
        self.wrong: list[str] = []  # what cannot be by any rule
        self.refused: dict[str, int] = {}

    def moved(self, agent: Agent, state: str, now_ns: int) -> None:
        """An agent is in another state, by its own page."""
        agent.state = state
        agent.turn += 1
        self.moves.setdefault(agent.name, []).append((now_ns, state))
