"""Ports of modem banks as a page of metrics shows them."""

from __future__ import annotations

from dialerd.core.lines_view import Use
from dialerd.core.port_gauges import port_gauges, port_labels
from dialerd.core.ports_view import ModemPort

PORT = ModemPort(
    "sims", "1.4", "ready", True, "", None, "/dev/ttyUSB2", "quectel", "", "", "", "8984", "452",
    "", "Viettel", "VIETTEL", "home", -71, "pcm_tty", False, 9, 4,
    locks=("rest",), balance=2.5, use=Use(calls_today=9, minutes_today=3.5, minutes_left=56.5),
)  # fmt: skip


def test_what_is_known_is_told_in_numbers() -> None:
    assert port_labels(PORT) == {"bank": "sims", "slot": "1.4", "carrier": "Viettel"}
    assert port_gauges(PORT) == {
        "ready": 1.0, "busy": 0.0, "registered": 1.0, "locked": 1.0, "signal_dbm": -71.0,
        "balance": 2.5, "crashes": 0.0, "calls_placed": 9.0, "calls_answered": 4.0,
        "calls_today": 9.0, "minutes_today": 3.5, "minutes_left": 56.5,
    }  # fmt: skip


def test_what_nobody_knows_is_left_out() -> None:
    lost = ModemPort(
        "sims",
        "2",
        "absent",
        False,
        "unplugged",
        None,
        *[""] * 10,
        "unknown",
        None,
        "",
        False,
        0,
        0,
    )
    found = port_gauges(lost)
    assert (found["ready"], found["registered"]) == (0.0, 0.0)
    assert not found.keys() & {"signal_dbm", "balance", "calls_left", "minutes_left"}
