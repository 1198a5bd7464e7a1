"""What pacers and books are told of the people, and machines, that answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from dialerd.core.agent_call import AgentCall
from dialerd.core.floor import Floor
from dialerd.core.homes import Homes
from dialerd.core.ops import Met
from dialerd.core.pacing import NS
from dialerd.core.records import Outcome
from dialerd.core.regime import find_regime
from dialerd.core.running import Run
from dialerd.core.team import Team
from dialerd.core.team_books import Books


class Answering(ABC):
    """The part of a desk that counts."""

    __slots__ = ("books", "floor", "homes", "team")

    def __init__(self, floor: Floor) -> None:
        """Nobody has answered."""
        self.floor = floor
        self.team = Team()
        self.homes = Homes(floor, self.team)
        self.books: dict[int, Books] = {}

    @abstractmethod
    def let_go(self, call: AgentCall, now_ns: int) -> None:
        """Its agent is free."""

    def picked_up(self, call: AgentCall, now_ns: int) -> None:
        """Whether a person has answered is not known yet."""
        pacer = self.homes.pacer(call.claim.campaign_id)
        if pacer is not None:
            pacer.answered(call.claim.attempt_id, now_ns / NS)

    def machine(self, call: AgentCall, now_ns: int) -> None:
        """A machine has answered: its agent, if it has one, is free at once."""
        campaign_id = call.claim.campaign_id
        self.team.forget(call)
        if call.human_ms:  # as it seemed
            call.human_ms = 0
            self.books_of(campaign_id).no_human()
        pacer = self.homes.pacer(campaign_id)
        if pacer is not None:
            pacer.call_ended(call.claim.attempt_id, now_ns / NS, "machine")
        self.let_go(call, now_ns)

    def human(self, call: AgentCall, now_ns: int) -> None:
        """A person has answered."""
        call.human_ms, call.human_ns = call.at_ms(now_ns), now_ns
        self.books_of(call.claim.campaign_id).human()
        pacer = self.homes.pacer(call.claim.campaign_id)
        if pacer is not None:
            pacer.human_answered(call.claim.attempt_id, now_ns / NS)

    def count_unserved(self, call: AgentCall, now_ns: int) -> None:
        """A person found no agent."""
        campaign_id = call.claim.campaign_id
        if call.spoken is Outcome.ABANDONED:
            self.books_of(campaign_id).abandoned(now_ns)
            pacer = self.homes.pacer(campaign_id)
            if pacer is not None:
                pacer.abandoned(call.claim.attempt_id, now_ns / NS)

    def met_before(self, run: Run, met: Sequence[Met], now_ns: int) -> None:
        """Whom a campaign met in the processes before this one."""
        if met and not run.broken:
            self.books_of(run.campaign.campaign_id).load(met, now_ns)

    def books_of(self, campaign_id: int) -> Books:
        """The figures of a campaign with agents."""
        found = self.books.get(campaign_id)
        if found is None:
            settings = self.floor.runs[campaign_id].settings
            regime = find_regime(settings.regime)
            found = self.books[campaign_id] = Books(
                settings.agents.window_s, regime.abandonment, regime.zone, self.floor.clock
            )
        return found
