"""What may be asked about the lines of the daemon, and its answers. Money is in the plan's unit."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from dialerd.core.control_base import Instant, Reply, Request

Name = Annotated[str, Meta(max_length=128)]


class ListTrunks(Request["TrunkList"]):
    """Every line now; `name` asks for one of them."""

    name: Name = ""


class Use(Reply):
    """What a line used today and in the present period, and what it may still use.

    `None` is no limit. `days_left` is of the period or the balance, whichever ends first.
    """

    calls_today: int = 0
    minutes_today: float = 0.0
    cost_today: float = 0.0
    calls_period: int = 0
    minutes_period: float = 0.0
    cost_period: float = 0.0
    calls_left: int | None = None
    minutes_left: float | None = None
    cost_left: float | None = None
    days_left: int | None = None


class PortInfo(Reply):
    """One port of a gateway; `why` says why it takes no call."""

    name: str
    busy: bool
    placed: int
    answered: int
    why: str
    use: Use


class TrunkInfo(Reply):
    """One line now, counted since the daemon started; `why` says why it takes no calls.

    `breaker` is closed (it takes calls), open (it rests) or probing (one call finds out), since
    `breaker_since` and because of `breaker_reason`. `asr` is answered per placed call.
    """

    name: str
    kind: str
    provider: str
    up: bool
    channels: int
    in_use: int
    placed: int
    answered: int
    failed: int
    asr: float | None
    calls_per_s_max: float
    calls_per_s: float
    registration: str
    breaker: str
    breaker_reason: str
    breaker_since: Instant | None
    breaker_opened: int
    why: str
    outcomes: dict[str, int]
    use: Use
    ports: tuple[PortInfo, ...] = ()


class LineInfo(Reply):
    """A trunk, or one port of it; `why` says why it takes no call now."""

    trunk: str
    port: str
    kind: str
    provider: str
    up: bool
    channels: int
    in_use: int
    placed: int
    answered: int
    asr: float | None
    calls_today: int
    minutes_today: float
    minutes_left: float | None
    days_left: int | None
    why: str


class TrunkList(Reply):
    """The lines in the order of the configuration."""

    items: tuple[TrunkInfo, ...]


class Reload(Request["Reloaded"]):
    """Read the configuration again and take over its trunks and telephones, or nothing of it."""

    who: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]


class Reloaded(Reply):
    """What a reload changed: trunks, other keys (`live`); `restart` are those that must wait.

    `left_out` are announcements of the bank that cannot be read, and why.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class GetConfig(Request["ConfigInfo"]):
    """The configuration as it is in force."""


class ConfigInfo(Reply):
    """Every key with its value, secrets masked."""

    config: dict[str, Any]


def lines_of(trunk: TrunkInfo) -> list[LineInfo]:
    """A trunk and its ports as lines of their own."""
    own = LineInfo(
        trunk=trunk.name, port="", kind=trunk.kind, provider=trunk.provider, up=trunk.up,
        channels=trunk.channels, in_use=trunk.in_use, placed=trunk.placed,
        answered=trunk.answered, asr=trunk.asr, calls_today=trunk.use.calls_today,
        minutes_today=trunk.use.minutes_today, minutes_left=trunk.use.minutes_left,
        days_left=trunk.use.days_left, why=trunk.why,
    )  # fmt: skip
    ports = [
        LineInfo(
            trunk=trunk.name, port=port.name, kind=trunk.kind, provider=trunk.provider,
            up=trunk.up, channels=1, in_use=int(port.busy), placed=port.placed,
            answered=port.answered, asr=port.answered / port.placed if port.placed else None,
            calls_today=port.use.calls_today, minutes_today=port.use.minutes_today,
            minutes_left=port.use.minutes_left, days_left=port.use.days_left, why=port.why,
        )
        for port in trunk.ports
    ]  # fmt: skip
    return [own, *ports]
