"""What the dialing domain must know of the lines: trunks, the ports of gateways, what calls cost.

Money is whole thousandths of a unit, days count from 1970-01-01 in local time.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from dialerd.core.limits import CALL_S_MAX


class Trouble(StrEnum):
    """What the end of a leg says of the trunk itself."""

    NONE = "none"  # it speaks of the called person
    FAULT = "fault"  # it does not work
    TOO_FAST = "too_fast"  # it wants fewer new calls a second
    FULL = "full"  # it has no free port or channel just now


class PlanSpec(msgspec.Struct, frozen=True):
    """What calls on a line cost, and how many there may be; 0 is no limit.

    Attributes:
        minute_milli: price of a minute.
        first_block_s, block_s: shortest time paid, and the steps after it.
        free_s: seconds at the beginning of each call that cost nothing.
        cut_before_paid: end a call just before they are over.
        call_s_max: longest call.
        calls_day, seconds_day, milli_day: answered calls, talk time and cost of a day.
        calls_period, seconds_period, milli_period: the same of a period.
        since_day, period_days: a period is so many days from that one on; 0: calendar months.
        until_day: the last day that the balance is good for.
    """

    minute_milli: int = 0
    first_block_s: int = 1
    block_s: int = 1
    free_s: int = 0
    cut_before_paid: bool = False
    call_s_max: int = 0
    calls_day: int = 0
    seconds_day: int = 0
    milli_day: int = 0
    calls_period: int = 0
    seconds_period: int = 0
    milli_period: int = 0
    since_day: int = 0
    period_days: int = 30
    until_day: int = 0


class PortSpec(msgspec.Struct, frozen=True):
    """One port of a gateway: a SIM or an analogue line. Without claims of its own the trunk's.

    `watched`: it takes no call before `LineHealth` says that it is there.
    """

    name: str
    carriers: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    gap_s: int = 0  # its pause after each call
    plan: PlanSpec = PlanSpec()
    watched: bool = False


class TrunkSpec(msgspec.Struct, frozen=True):
    """What the core must know of a trunk: capacity and what it may carry."""

    name: str
    channels: int
    cps_max: float
    carriers: tuple[str, ...] = ()  # empty: any
    prefixes: tuple[str, ...] = ()  # E.164 digits; the longest match wins over carriers
    weight: int = 1
    loopback: bool = False
    up: bool = True
    kind: str = "sip"
    provider: str = ""
    plan: PlanSpec = PlanSpec()
    ports: tuple[PortSpec, ...] = ()  # empty: any channel is as good as another
    registers: bool = False  # it carries nothing before its registration stands


class Line(NamedTuple):
    """What a leg has of its line beside the trunk's name."""

    port: str = ""
    call_s_max: int = CALL_S_MAX
    plan: PlanSpec = PlanSpec()
    day: int = 0  # the local day, for its books
    account: str = ""  # in whose books its use is written; empty: those of the port

    @property
    def minute_milli(self) -> int:
        """The price of a minute."""
        return self.plan.minute_milli


LINE: Final = Line()
