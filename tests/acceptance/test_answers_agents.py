"""Who answers calls of a campaign with agents: SIPp plays it, a softphone is the agent.

One daemon, one agent whose telephone is up all the time; each kind of answer is a trunk of its own,
as in `test_answers`. An agent talks with people, with all of them and with nobody else.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np
import pytest

from dialerd.core import control as api
from dialerd.core.agent_records import AgentState
from dialerd.core.agent_spec import AgentSpec
from dialerd.core.agents_view import Dispose, HangUp, LogIn, LogOut, Ready
from dialerd.core.calls_view import GetCall
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.detection_spec import DetectionSpec
from dialerd.core.records import Answerer, Attempt, CallEvent, DialMode, EventKind, Outcome
from dialerd.detect.bank_file import Kind, write_announcement
from dialerd.detect.bank_prints import prints_of
from dialerd.store import open_store
from tests.acceptance.test_answers import (
    FIRST,
    QUIET,
    TRUNK,
    at_ms,
    clips,
    details,
    off,
    scenario_of,
    talks_on,
    tone,
)
from tests.daemon.conftest import Daemon
from tests.daemon.test_agents import PHONES, USER, card, do, over, state
from tests.daemon.test_daemon import people
from tests.interop.baresip import baresip
from tests.interop.meeting import talker
from tests.ports import free_port
from tests.waiting import until

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("answers_agents")]  # one daemon
BEEP = 9_000 * np.sin(2 * np.pi * 1000 * np.arange(4_000) / 8_000)


class Books(NamedTuple):
    """What was written of every line, and what the agent saw."""

    tries: dict[str, tuple[Attempt, tuple[CallEvent, ...]]]
    talked: list[int]  # attempts that the agent had
    counters: dict[str, float]


def lines() -> dict[str, tuple[str, np.ndarray]]:
    """Name, scenario and audio."""
    calm = np.random.default_rng(5)
    word = clips("word", 0.3, 0.9)
    machine = np.concatenate([QUIET, clips("machine", 4, 7), QUIET, BEEP])
    said = {
        "machine": ("talks", machine),
        "person": ("talks", np.concatenate([QUIET, word, np.zeros(32_000)])),
        "busy": ("says_early", tone("busy 425")),
        "off": ("says_early", np.concatenate([QUIET, off(), QUIET])),
        "gone": ("talks", tone("busy 425")),
        "fax": ("talks", tone("fax ced")),
        "again": ("talks", np.concatenate([word, np.zeros(32_000)])),
        "endless": ("talks", np.concatenate([talks_on(), QUIET, BEEP])),
    }
    return {
        name: (scenario, audio + calm.normal(0, 6, len(audio)))
        for name, (scenario, audio) in said.items()
    }


def campaign(client) -> None:
    """People only for agents, and a message for machines."""
    agents = AgentSpec(
        machines=True, verdict_s=8.0, on_machine="leave_message", machine_prompt="en/thanks",
        wrap_up_s=0,
    )  # fmt: skip
    spec = CampaignSpec(
        name="c", list="people", regime="loopback", mode=DialMode.PROGRESSIVE, agents=agents,
        detection=DetectionSpec(revise_s=7.0),
    )  # fmt: skip
    client.call(api.CreateCampaign(spec=spec, who="test"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        client.call(api.ActOnCampaign(campaign="c", action=action, who="test"))


def work(client, talked: list[int]) -> bool:
    """The agent ends each talk at once, but for one who talks on; whether all are over."""
    now = state(client, "lan")
    if now is AgentState.TALKING:
        attempt = card(client, "lan").attempt
        call = client.call(GetCall(attempt=attempt))
        heard = [one.detail for one in call.events if one.kind is EventKind.HEARD]
        if call.call.trunk == "endless" and not heard:
            return False
        talked.append(attempt)
        do(client, "lan", HangUp())
    elif now is AgentState.WRAP_UP:
        do(client, "lan", Dispose(disposition="sold"))
    return over(client)


@pytest.fixture(scope="module")
def books(tmp_path_factory) -> Books:
    folder = tmp_path_factory.mktemp("agents")
    talked: list[int] = []
    server = free_port()
    with contextlib.ExitStack() as ends:
        more = 'prefixes = ["849999"]\n'
        for number, (name, (scenario, audio)) in enumerate(lines().items()):
            samples = np.clip(np.rint(audio), -32_768, 32_767).astype(np.int16)
            home = folder / name
            home.mkdir()
            called = scenario_of(name, scenario, home)
            peer, _ = ends.enter_context(talker(home, samples, 8, scenario=called))
            more += TRUNK.format(name=name, port=peer.port, number=FIRST + number)
        prints = prints_of(np.rint(off()).astype(np.int16))
        known = {"label": "off", "kind": Kind.SWITCHED_OFF, "carrier": "viettel"}
        write_announcement(folder / "bank", prints, **known)
        more += '[detection]\nannouncements = "bank"\n'
        more += PHONES.format(port=server) + USER.format(name="1001")
        d = Daemon(folder, more=more)
        ends.callback(d.end)
        d.start()
        with d.ready() as client:
            phone = ends.enter_context(baresip(folder, "1001", "secret", server))
            ends.callback(phone.kill)  # its registrar is gone by then
            until(lambda: client.call(api.GetStatus()).counters["sip_phones"] == 1)
            people(folder, len(lines()), FIRST)
            campaign(client)
            do(client, "lan", LogIn(phone="1001", campaigns=("c",), nailed_up=True))
            do(client, "lan", Ready())
            until(lambda: work(client, talked), 120)
            counters = client.call(api.GetStatus()).counters
            do(client, "lan", LogOut())
        assert d.stop()[0] == 0
    store = open_store(folder / "data", readonly=True)
    tries = {}
    for page in store.report(1):
        for row in page:
            attempt, events = row.attempts[-1]
            tries[attempt.trunk] = attempt, events
    assert store.problems() == []
    store.close()
    return Books(tries, talked, counters)


def test_people_have_the_agent_and_nobody_else_does(books: Books) -> None:
    attempts = {name: attempt for name, (attempt, _) in books.tries.items()}
    met = {name for name, attempt in attempts.items() if attempt.attempt_id in books.talked}
    assert met == {"person", "again", "endless"}
    assert {name for name, attempt in attempts.items() if attempt.connected_ms} == met
    for name, (_, events) in books.tries.items():
        assert (EventKind.CONNECTED in {event.kind for event in events}) == (name in met), name


def test_who_talks_on_with_an_agent_is_no_machine_after_all(books: Books) -> None:
    """The same voice is one in the broadcast of `test_answers`, where nobody talks to it."""
    attempt, events = books.tries["endless"]
    assert (attempt.outcome, attempt.answerer) == (Outcome.ANSWERED, Answerer.HUMAN)
    assert (attempt.revised, attempt.revised_ms) == (None, 0)
    assert len(details(events, EventKind.VERDICT)) == 1
    assert [one.split()[0] for one in details(events, EventKind.HEARD)] == ["beep"], "to its end"


@pytest.mark.parametrize("name", ["person", "again", "endless"])
def test_a_person_is_with_the_agent_in_the_input_that_brought_the_verdict(
    books: Books, name: str
) -> None:
    """Of one input all is written with one time: nothing was waited for in between."""
    attempt, events = books.tries[name]
    assert (attempt.outcome, attempt.answerer) == (Outcome.ANSWERED, Answerer.HUMAN)
    assert at_ms(events, EventKind.CONNECTED) == at_ms(events, EventKind.VERDICT)
    kinds = [event.kind for event in events]
    assert kinds.index(EventKind.VERDICT) < kinds.index(EventKind.CONNECTED)
    assert attempt.disposition == "sold"


def test_verdicts_are_counted(books: Books) -> None:
    """How late is asked in `tests/shell/test_live_verdicts.py`: here the machine may be busy."""
    assert books.counters["media_verdicts"] >= 3


def test_a_machine_is_left_a_message_behind_its_beep(books: Books) -> None:
    attempt, events = books.tries["machine"]
    assert (attempt.outcome, attempt.answerer) == (Outcome.MACHINE, Answerer.MACHINE)
    assert details(events, EventKind.PROMPT_STARTED) == ["en/thanks"]
    assert at_ms(events, EventKind.PROMPT_STARTED) >= at_ms(events, EventKind.HEARD)
    assert EventKind.PROMPT_ENDED in {event.kind for event in events}


@pytest.mark.parametrize(
    ("name", "outcome", "heard"),
    [
        ("busy", Outcome.BUSY, "busy busy"),
        ("off", Outcome.UNREACHABLE, "announcement switched_off:viettel:off"),
    ],
)
def test_what_183_says_is_the_disposition(
    books: Books, name: str, outcome: Outcome, heard: str
) -> None:
    attempt, events = books.tries[name]
    assert attempt.outcome is outcome
    assert attempt.answered_ms == 0
    assert attempt.answerer is None
    assert details(events, EventKind.HEARD)[0].startswith(heard)


@pytest.mark.parametrize("name", ["gone", "fax"])
def test_who_is_no_person_is_hung_up_on(books: Books, name: str) -> None:
    attempt, events = books.tries[name]
    assert attempt.outcome is Outcome.MACHINE
    assert attempt.released_by == "us"
    assert details(events, EventKind.HEARD)
    assert not details(events, EventKind.PROMPT_STARTED)
