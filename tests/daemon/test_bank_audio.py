"""Ports by what their audio can do: a sound card (through ALSA's file plugin), and none at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dialerd.core.records import Outcome
from dialerd.core.step_spec import StepSpec
from tests.daemon.test_banks import all_ready, attempts_of, bank_of, ports_of
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.gsm.test_io_sound import ASOUNDRC
from tests.waiting import until

BANK = """
prefixes = ["8498"]
[[bank]]
name = "sims"
loopback = true
stagger_ms = 10
calls_per_s_max = 100
[bank.care]
gap_s = 0.2
failed_max = 0
[[bank.device]]
name = "card"
at = "{folder}/by-path/slot00-at"
audio = "alsa:tape"
[[bank.device]]
name = "mute"
at = "{folder}/by-path/slot01-at"
"""


def test_a_flow_with_keys_goes_by_the_sound_card_and_not_by_the_port_without_audio(
    tmp_path: Path, daemon: Any
) -> None:
    said, heard = tmp_path / "said.raw", tmp_path / "heard.raw"
    heard.write_bytes(bytes(320))
    asoundrc = tmp_path / "asound.conf"
    asoundrc.write_text(ASOUNDRC.format(said=said, heard=heard))
    with bank_of(tmp_path, "quectel,m35", 2) as bank:
        d = daemon(more=BANK.format(folder=bank.folder)).start(ALSA_CONFIG_PATH=str(asoundrc))
        with d.ready() as client:
            all_ready(client, 1)
            until(lambda: ports_of(client)["mute"].state == "ready", 60, 0.1)
            shown = ports_of(client)
            people(d.folder, 4)
            step = StepSpec(prompt="en/thanks", keys={"1": "end"}, wait_ms=300)
            broadcast(client, attempts_max=1, steps=(step,))
            books = until_finished(client)
        code, text = d.stop()
        seen = bank.ledger("seen")
        assert bank.tell("status")["slots"][1]["dialed_ns"] == 0
    assert (shown["card"].audio, shown["card"].why) == ("uac", "")
    assert (shown["mute"].audio, shown["mute"].ready) == ("none", False)
    assert "no audio" in shown["mute"].why
    assert len(seen) == 4
    assert {one["source"] for one in seen} == {"slot00"}
    attempts = attempts_of(d.folder)
    assert {one.port for one in attempts} == {"card"}
    assert books.outcomes[Outcome.ANSWERED] > 0
    assert code == 0, text
    spoken = said.read_bytes()
    loud = sum(abs(int.from_bytes(spoken[i : i + 2], "little", signed=True)) > 500
               for i in range(0, len(spoken) - 1, 2))  # fmt: skip
    assert loud > 100, "the prompt was played to the card, until somebody hung up"
