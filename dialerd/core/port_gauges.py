"""What a page of metrics shows of the ports of modem banks: a label set and numbers for each."""

from __future__ import annotations

from dialerd.core.ports_view import ModemPort

_AT_HOME = ("home", "roaming")


def port_labels(port: ModemPort) -> dict[str, str]:
    """Who it is. Nothing that changes by the minute: each set is a time series of its own."""
    return {"bank": port.bank, "slot": port.slot, "carrier": port.carrier}


def port_gauges(port: ModemPort) -> dict[str, float]:
    """Its numbers now, by name; what nobody knows, and a quota that is none, is left out."""
    known: dict[str, float | None] = {
        "ready": port.ready,
        "busy": port.busy,
        "registered": port.registration in _AT_HOME,
        "locked": bool(port.locks),
        "signal_dbm": port.rssi_dbm,
        "balance": port.balance,
        "crashes": port.crashes,
        "calls_placed": port.placed,
        "calls_answered": port.answered,
        "calls_today": port.use.calls_today,
        "minutes_today": port.use.minutes_today,
        "calls_left": port.use.calls_left,
        "minutes_left": port.use.minutes_left,
    }
    return {name: float(value) for name, value in known.items() if value is not None}
