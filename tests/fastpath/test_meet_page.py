"""The page about meetings is run as it stands."""

from __future__ import annotations

import re

from fastpath.rtp import MediaEngine
from fastpath.rtp_mix import ROLES, RtpMix
from tests import tree
from tests.ports import media_ports

PAGE = (tree.ROOT / "docs" / "howto" / "meet.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ROLE_ROWS = re.findall(r"^\| (an? \w+) \|(.*)\|$", PAGE, re.MULTILINE)


def test_every_line_of_it_runs(engine: MediaEngine) -> None:
    streams = [engine.open("127.0.0.1", *media_ports()) for _ in range(3)]
    customer, agent, supervisor = streams
    for stream in streams:
        engine.connect(stream, "127.0.0.1", engine.port(stream), 0)
    music = engine.add_prompt(bytes(160), bytes(160))
    names: dict[str, object] = {
        "engine": engine, "customer": customer, "agent": agent, "supervisor": supervisor,
        "music": music,
    }  # fmt: skip
    assert len(BLOCKS) == 6
    for block in BLOCKS:
        exec(compile(block, "meet.md", "exec"), names)  # noqa: S102
    assert names["other"] == agent
    assert engine.bridged(customer) is None
    assert engine.parties(names["conference"]) == set(streams)  # type: ignore[arg-type]


def test_its_table_is_that_of_the_mixer() -> None:
    listeners = {"a customer": ["customer"], "an agent": ["agent"],
                 "a supervisor": ["listening", "whispering", "barging"]}  # fmt: skip
    assert [name for name, _ in ROLE_ROWS] == list(listeners)
    for name, row in ROLE_ROWS:
        told = {role for role, cell in zip(ROLES, row.split("|"), strict=True) if cell.strip()}
        for role in listeners[name]:
            mix = RtpMix()
            mix.enter(0, role)
            for party, other in enumerate(ROLES, 1):
                mix.enter(party, other)
            assert {ROLES[party - 1] for party in mix.hears(0)} == told
