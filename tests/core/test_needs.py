"""What a campaign's calls ask of a line, and which ports are left for them."""

from __future__ import annotations

from dialerd.core.detection_records import Detection
from dialerd.core.events import LineHealth, TrunkSpec
from dialerd.core.flow_records import Flow, FlowStep, Gather, Part, Tape, Transfer
from dialerd.core.line_spec import PortSpec
from dialerd.core.needs import NOTHING, TALKING, Can, Need, Needs, needs_of
from dialerd.core.records import CampaignSettings, DialMode
from dialerd.core.selection import Trunks
from tests.core.test_selection import VIETTEL

PLAYS = FlowStep("a", prompt="hello")


def needs(*steps: FlowStep, **changes: object) -> Needs:
    return needs_of(CampaignSettings("c", 1, Flow(steps), "loopback", **changes))  # type: ignore[arg-type]


def test_a_flow_that_only_plays_needs_its_prompts() -> None:
    assert needs(PLAYS, FlowStep("b", prompt="bye")) == Needs(Need(0), frozenset({"hello", "bye"}))


def test_everything_else_is_a_need() -> None:
    for step, need in (
        (FlowStep("a", prompt="hello", keys={"1": "end"}), Need.KEYS),
        (FlowStep("a", prompt="hello", does=Gather("pin")), Need.KEYS),
        (FlowStep("a", prompt="hello", does=Tape()), Need.HEAR),
        (FlowStep("a", prompt="hello", does=Transfer("queue", "care")), TALKING.of),
        (FlowStep("a", "", parts=(Part(say="money", value="{due}"),)), Need.SAY),
    ):
        assert needs(step).of == need
    assert needs(PLAYS, record=True).of == Need.HEAR
    assert needs(PLAYS, detection=Detection(machines=True)).of == Need.HEAR
    assert needs(PLAYS, mode=DialMode.PROGRESSIVE) == TALKING


def test_what_a_port_lacks_is_said() -> None:
    can = Can(Need.KEYS, frozenset({"hello"}))
    assert can.lacks(NOTHING) == can.lacks(needs(PLAYS)) == ""
    assert can.lacks(TALKING) == "listens or records and lets people talk"
    assert "bye, which is not on the modem" in can.lacks(needs(FlowStep("b", prompt="bye")))
    assert Can().lacks(Needs(Need.KEYS)) == "hears keys"


def ports_for(trunks: Trunks, asked: Needs) -> set[str]:
    """The ports of the bank on the route of such calls."""
    route = trunks.route(VIETTEL, needs=asked)
    return {port.name for ports in route.ports.values() for port in ports}


def test_a_port_is_on_no_route_of_calls_that_it_cannot_carry() -> None:
    trunks = Trunks()
    ports = tuple(PortSpec(name, watched=True) for name in ("live", "files"))
    trunks.configure([TrunkSpec("sims", 2, 0.0, ports=ports)])
    plays = needs(PLAYS)
    assert ports_for(trunks, TALKING) == {"live", "files"}, "nothing else is known of them"
    bank = trunks.by_name["sims"]

    def told(name: str, can: Can | None) -> bool:
        changed = bank.health(LineHealth("sims", alive=True, port=name, can=can), 0)
        if changed:
            trunks.rebuild()
        return changed

    assert not told("live", None)
    assert told("files", Can())
    assert not told("files", Can()), "no news"
    assert ports_for(trunks, plays) == ports_for(trunks, TALKING) == {"live"}
    assert ports_for(trunks, NOTHING) == {"live", "files"}
    assert told("files", Can(prompts=frozenset({"hello"})))
    assert ports_for(trunks, plays) == {"live", "files"}
    assert ports_for(trunks, TALKING) == {"live"}
    route = trunks.route(VIETTEL, needs=plays)
    chosen = route.choose(0)
    assert chosen is bank
    found = route.port(bank, 0)
    assert found is not None
    bank.take(0, found)
    second = route.port(bank, 0)
    assert second is not None
    assert {found.name, second.name} == {"live", "files"}
    assert told("live", Can()), "it lost its audio device"
    assert trunks.route(VIETTEL, needs=TALKING).trunks == ()
