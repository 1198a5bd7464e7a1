"""What a port is told about itself: its place, its card's PIN, how its card is cared for."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from gsm.limits import (
    BACK_OFF_MAX,
    BACK_OFF_MIN,
    IDLE_PING,
    IDLE_STATUS,
    MODULE_AFTER,
    ORIGINATE_MAX,
    RADIO_AFTER,
    RING_MAX,
    SEARCH_AFTER,
    WARN_BEFORE,
)


class Care(Struct, frozen=True):
    """When a card rests by itself; 0 is never. Calls and minutes a day are the trunk's plan.

    Attributes:
        failed_max: calls in a row that did not ring.
        unanswered_max: calls in a row that rang and were not answered.
        short_max: calls in a row that were answered and lasted less than `short_s`.
        rest_s: how long it rests then, twice as long each further time in a row, up to
            `rest_s_max`.
        gap_s, gap_s_spread: pause after each call, and a chance part on top of it.
        reset_calls, reset_hours: the module is reset, when idle, after so many.
        balance_calls, balance_hours: the balance is asked, when idle, after so many.
        balance_milli_min: with less the card is locked until the balance is higher.
        days_left_min: with fewer days of validity the card is locked.
    """

    failed_max: int = 0
    unanswered_max: int = 0
    short_max: int = 0
    short_s: int = 6
    rest_s: int = 1_800
    rest_s_max: int = 21_600
    gap_s: float = 2.0
    gap_s_spread: float = 0.0
    reset_calls: int = 0
    reset_hours: float = 0.0
    balance_calls: int = 0
    balance_hours: float = 0.0
    balance_milli_min: int = 0
    days_left_min: int = 0


class PortSettings(Struct, frozen=True):
    """One port. Times named `_ns` are nanoseconds.

    Attributes:
        name: its slot, for people.
        dialect: a dialect's name; "auto" asks the modem.
        pin: the card's, empty without one. Never sent with fewer than two tries left.
        pin_tries: so many are left by somebody's word, where the module does not tell; 0: nobody's.
        pins: the same by ICCID, for cards that are known.
        start_ns: rest before the first words, so that a bank's modems do not start together.
        incoming: what becomes of calls to us: told, so that somebody answers, or rejected.
        call_s_max: longest call, 0: none. It is ended `end_early_s` before, so that it is over by
            then, and told `warn_ns` before that (`CallEnding`).
        registered_at_home_only: a roaming card makes no calls.
        keep_sms: texts stay in the module until `Port.sms_kept`.
        audio_on: whether audio is wanted at all.
        audio_device: whether the port has a device for it; without one speech goes by files on the
            module, where its dialect can.
        audio_uac: that device is a sound card: the module is told to be one, where it can.
        trace: every byte is told as `Trace`.
    """

    name: str
    dialect: str = "auto"
    pin: str = ""
    pins: tuple[tuple[str, str], ...] = ()
    pin_tries: int = 0
    start_ns: int = 0
    incoming: Literal["tell", "reject"] = "tell"
    ring_ns_max: int = RING_MAX
    call_s_max: int = 0
    end_early_s: int = 5
    warn_ns: int = WARN_BEFORE
    registered_at_home_only: bool = True
    keep_sms: bool = True
    audio_on: bool = True
    audio_device: bool = True
    audio_uac: bool = False
    trace: bool = True
    care: Care = Care()
    ping_ns: int = IDLE_PING
    status_ns: int = IDLE_STATUS
    search_after_ns: int = SEARCH_AFTER
    radio_after_ns: int = RADIO_AFTER
    module_after_ns: int = MODULE_AFTER
    back_off_min_ns: int = BACK_OFF_MIN
    back_off_max_ns: int = BACK_OFF_MAX
    originate_ns_max: int = ORIGINATE_MAX
