"""Small scenarios for tests, and days of them."""

from __future__ import annotations

from pathlib import Path

from dialerd.sim.day_run import Simulation
from dialerd.sim.day_scenario import read_scenario

SCENARIOS = Path(__file__).parents[2] / "conf" / "scenarios"
NUMBERING = SCENARIOS.parent / "numbering" / "vn.toml"
SMALL = """
start = 2026-11-23T08:00:00+07:00
hours = {hours}
numbering = "{numbering}"

[[list]]
name = "people"
people = {people}
do_not_call = 0.1
do_not_call_later = 0.3

[[list]]
name = "again"
people = {people}
shares = "people"
shared = 1.0

[[trunk]]
name = "any"
channels = 6
calls_per_s_max = 3
plan = {{ calls_day = {calls_day} }}

[[trunk]]
name = "bank"
channels = 4
carriers = ["viettel"]
ports = [{{ numbers = "1-3", gap_s = 20, plan = {{ minutes_day = 2 }} }}]

[[campaign]]
name = "first"
list = "people"
regime = "vn-care"
attempts_max = 3
retry_gap_s = 900
ring_s_max = 20
hours = [{{ start = "08:10", end = "08:50" }}, {{ start = "09:00", end = "09:20" }}]
steps = [{{ prompt = "hello", keys = {{ 1 = "start", 2 = "end" }}, wait_ms = 3000 }}]

[[campaign]]
name = "second"
list = "again"
regime = "vn-care"
ring_s_max = 20
hours = [{{ start = "08:10", end = "09:20" }}]
steps = [{{ prompt = "hello" }}]
cap = {{ calls_max = 2, window_s = 7200, counts = "attempted" }}
"""


def simulation(name: str) -> Simulation:
    """A shipped scenario."""
    return Simulation(read_scenario(SCENARIOS / f"{name}.toml"), name)


def small(folder: Path, extra: str = "", **changes: object) -> Simulation:
    """A scenario of a quarter of a second, with `extra` behind it."""
    values = {"hours": 1.5, "people": 80, "calls_day": 60, "numbering": NUMBERING}
    path = folder / "small.toml"
    path.write_text(SMALL.format(**(values | changes)) + extra)
    return Simulation(read_scenario(path), "small")
