"""Ports without an audio device: campaigns play files that were put on their modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dialerd.core import control as api
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.records import CampaignState, Outcome
from dialerd.core.step_spec import StepSpec
from tests.daemon.test_banks import opened, ports_of
from tests.daemon.test_daemon import broadcast, people
from tests.modem_bank import everybody, simulated_bank
from tests.waiting import Stalls, until

BANK = """
prefixes = ["8498"]
[[bank]]
name = "sims"
slots = "{folder}/by-path/*-at"
loopback = true
stagger_ms = 10
calls_per_s_max = 100
[bank.care]
gap_s = 0.2
failed_max = 0
"""
PRESSES = everybody("presses", "speed = 10.0\n")
HEARD_MIN = 20
HURRY = 10


def test_a_flow_is_played_by_files_and_what_needs_more_is_not_dialed_there(
    tmp_path: Path, daemon: Any
) -> None:
    (tmp_path / "people.toml").write_text(PRESSES)
    options = ("--people", str(tmp_path / "people.toml"), "--hurry", str(HURRY))
    simulated = simulated_bank(tmp_path / "bank", "sim800,quectel", *options, ports=2)
    with Stalls() as stalls, simulated as bank:
        d = daemon(more=BANK.format(folder=bank.folder)).start()
        with d.ready() as client:
            until(lambda: {one.audio for one in ports_of(client).values()} == {"module_file"}, 60)
            people(d.folder, 4)
            broadcast(client, attempts_max=1, record=True)
            why = "its speech is files on the modem: b: its flow listens or records"
            until(lambda: _idle(client) == {why}, 60)
            finish = api.ActOnCampaign(campaign="b", action=api.CampaignAction.FINISH, who="test")
            client.call(finish)  # it lets go of the people that it had in hand
            step = StepSpec(prompt="en/thanks", keys={"1": "end", "2": "end"}, wait_ms=500)
            made = CampaignSpec(name="c", list="people", regime="loopback", steps=(step,))
            client.call(api.CreateCampaign(spec=made, who="test"))
            for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
                client.call(api.ActOnCampaign(campaign="c", action=action, who="test"))
            until(lambda: _books(client).state is CampaignState.FINISHED, 90, 0.1)
            books = _books(client)
        code, text = d.stop()
        ended = bank.ledger("ended")
    assert code == 0, text
    assert books.outcomes[Outcome.ANSWERED] == 4
    assert len(ended) == 4, "the campaign that records has called nobody"
    with opened(d.folder / "data") as store:
        tries = [attempt for page in store.report(2) for row in page for attempt, _ in row.attempts]
    pressed = {one["user"][-9:]: one["digits"] for one in ended}
    heard = {str(one.phone)[-9:]: one.keys[:1] for one in tries}
    if stalls.most_s() * HURRY > 0.5:  # answer, key and end of a call came at one moment
        heard |= {user: keys[:1] for user, keys in pressed.items() if not heard[user]}
    assert heard == {user: keys[:1] for user, keys in pressed.items()}
    assert any(pressed.values())
    for one in ended:
        assert one["rtp_received"] > HEARD_MIN, "frames of the prompt, until the key"


def _idle(client: Any) -> set[str]:
    """Why ports of the bank are."""
    return {one.why for one in client.call(api.ListIdle()).items if one.trunk == "sims"}


def _books(client: Any) -> Any:
    return client.call(api.GetProgress(campaign="c"))
