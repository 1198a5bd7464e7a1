"""The people behind the numbers: what a called number does, decided from (seed, number) alone.

Asking twice gives the same answer, whatever the order and whichever process asks, so a run with one
seed can be repeated and a checker can know what should have happened. One thing depends on the
carrier as well: congestion, since it is the network that is full and not the person.

All durations are seconds of the simulated world; `Town.speed` shortens every one of them.
"""

from __future__ import annotations

import random
import tomllib
from enum import StrEnum
from typing import TypeVar

import msgspec

from dialerd.sim import limits

T = TypeVar("T")


class Fate(StrEnum):
    """What becomes of a call to a number."""

    ANSWERS = "answers"
    NO_ANSWER = "no_answer"  # rings until the caller, or at last the network, gives up
    BUSY = "busy"
    DECLINES = "declines"
    SWITCHED_OFF = "switched_off"
    INVALID = "invalid"
    CONGESTED = "congested"


class Manner(StrEnum):
    """How a person who answered treats a recorded message."""

    AT_ONCE = "at_once"  # hangs up before the message has said anything
    DURING = "during"  # hangs up in the middle of it
    AFTER = "after"  # hears it and hangs up without pressing anything
    PRESSES = "presses"  # presses a key, then waits for what comes
    WAITS = "waits"  # hears it and waits for the other side to end the call


#: The network's final answer of each fate: SIP status, phrase, Q.850 cause (RFC 3398, 8.2.6.1).
ANSWERS: dict[Fate, tuple[int, str, int]] = {
    Fate.ANSWERS: (200, "OK", 0),
    Fate.NO_ANSWER: (480, "Temporarily Unavailable", 19),
    Fate.BUSY: (486, "Busy Here", 17),
    Fate.DECLINES: (603, "Decline", 21),
    Fate.SWITCHED_OFF: (480, "Temporarily Unavailable", 20),
    Fate.INVALID: (404, "Not Found", 1),
    Fate.CONGESTED: (503, "Service Unavailable", 34),
}


#: Which keys people press; weights.
KEYS = {"1": 70.0, "2": 20.0, "9": 4.0, "0": 3.0, "*": 2.0, "#": 1.0}


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the settings: an unknown key is an error."""


class Shares(Strict, frozen=True):
    """How the numbers of a list divide over the fates; weights, 100 in all by habit only."""

    answers: float = 30.0
    no_answer: float = 28.0
    busy: float = 6.0
    declines: float = 5.0
    switched_off: float = 27.0
    invalid: float = 3.0
    congested: float = 1.0


class Manners(Strict, frozen=True):
    """How those who answer divide over the manners; weights."""

    at_once: float = 8.0
    during: float = 20.0
    after: float = 15.0
    presses: float = 45.0
    waits: float = 12.0


class Town(Strict, frozen=True):
    """Everything that can be set about the people of one simulated world."""

    shares: Shares = Shares()
    manners: Manners = Manners()
    keys: dict[str, float] = msgspec.field(default_factory=lambda: dict(KEYS))
    speed: float = 1.0
    setup_s_min: float = 0.1  # the network looks for the phone: no alerting before that
    setup_s_max: float = 0.6
    ring_s_median: float = 6.0  # lognormal, of those who answer or decline
    ring_s_sigma: float = 0.45
    off_s_min: float = 1.0  # how long the network looks for a phone that is off
    off_s_max: float = 3.0
    announced: float = 0.3  # share of the switched-off told so by an announcement in early media
    announcement_s: float = 4.0
    prompt_s: float = 6.0  # what people take the message's length to be
    key_s_median: float = 4.0  # lognormal, from answer to key
    key_s_sigma: float = 0.4
    second_key: float = 0.1  # share of the pressing who press again
    network_ring_s_max: float = 45.0  # the network's own end to a call nobody answers
    patience_s: float = 45.0  # nobody stays longer than this


class Person(msgspec.Struct, frozen=True):
    """What one call to one number does, in seconds; `keys` and `leaves_s` from the answer."""

    fate: Fate
    setup_s: float  # from INVITE to alerting; to the final answer when nothing alerts
    alerts: bool  # 180, or 183 when `early_media`
    early_media: bool
    final_s: float  # from INVITE to the final answer
    code: int
    phrase: str
    q850: int
    manner: Manner | None = None
    keys: tuple[tuple[float, str], ...] = ()
    leaves_s: float = 0.0


def load_town(text: str) -> Town:
    """Settings from TOML; ValueError says what is wrong and where in it."""
    try:
        town = msgspec.convert(tomllib.loads(text), Town)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"people: {error}") from None
    return check_town(town)


#: Settings that are a length of time (or a spread) and may not be 0, and those that may.
_ABOVE_ZERO = ("speed", "ring_s_median", "key_s_median", "network_ring_s_max", "patience_s")
_FROM_ZERO = (
    "ring_s_sigma",
    "key_s_sigma",
    "announcement_s",
    "prompt_s",
    "setup_s_min",
    "off_s_min",
)


def check_town(town: Town) -> Town:
    """The same town when it makes sense; ValueError naming the setting otherwise."""
    longest = limits.DURATION_S_MAX
    for name, weights in (
        ("shares", msgspec.structs.asdict(town.shares)),
        ("manners", msgspec.structs.asdict(town.manners)),
        ("keys", town.keys),
    ):
        if not all(0 <= w <= 1e9 for w in weights.values()) or sum(weights.values()) <= 0:
            raise ValueError(f"people: [{name}] needs weights from 0 to 1e9, not all 0")
    for key in town.keys:
        if len(key) != 1 or key not in limits.DIGITS:
            raise ValueError(f"people: keys: {key!r} is not one of {limits.DIGITS}")
    bounds = [(name, 1e-3, longest) for name in _ABOVE_ZERO]
    bounds += [(name, 0.0, longest) for name in _FROM_ZERO]
    bounds += [("setup_s_max", town.setup_s_min, longest), ("off_s_max", town.off_s_min, longest)]
    bounds += [("announced", 0.0, 1.0), ("second_key", 0.0, 1.0)]
    for name, low, high in bounds:
        if not low <= getattr(town, name) <= high:
            raise ValueError(f"people: {name} must be from {low:g} to {high:g}")
    return town


def person(town: Town, seed: int, number: str, carrier: str = "") -> Person:
    """What a call to `number` through `carrier` does.

    Args:
        town: the settings, checked.
        seed: of the run.
        number: E.164 digits, so that two spellings are one person.
        carrier: decides congestion only.
    """
    rng = random.Random(f"{seed}:{number}")  # noqa: S311  a repeatable world, nothing secret
    door = random.Random(f"{seed}:{number}:{carrier}")  # noqa: S311
    shares: tuple[float, ...] = msgspec.structs.astuple(town.shares)
    if door.random() * sum(shares) < town.shares.congested:
        fate = Fate.CONGESTED
    else:
        fate = _pick(rng, _FATES, shares[: len(_FATES)])
    setup = rng.uniform(town.setup_s_min, town.setup_s_max)
    code, phrase, q850 = ANSWERS[fate]
    alerts, early_media, final = True, False, setup
    if fate in (Fate.ANSWERS, Fate.DECLINES):
        ring = _lognormal(rng, town.ring_s_median, town.ring_s_sigma)
        final = setup + min(ring, town.network_ring_s_max)
    elif fate is Fate.NO_ANSWER:
        final = setup + town.network_ring_s_max
    elif fate is Fate.SWITCHED_OFF:
        setup = rng.uniform(town.off_s_min, town.off_s_max)
        early_media = alerts = rng.random() < town.announced
        final = setup + (town.announcement_s if early_media else 0.0)
    else:
        alerts = False
    manner, keys, leaves = _conduct(rng, town) if fate is Fate.ANSWERS else (None, (), 0.0)
    fast = 1.0 / town.speed
    return Person(
        fate=fate,
        setup_s=setup * fast,
        alerts=alerts,
        early_media=early_media,
        final_s=final * fast,
        code=code,
        phrase=phrase,
        q850=q850,
        manner=manner,
        keys=tuple((at * fast, key) for at, key in keys),
        leaves_s=leaves * fast,
    )


_FATES = (
    Fate.ANSWERS,
    Fate.NO_ANSWER,
    Fate.BUSY,
    Fate.DECLINES,
    Fate.SWITCHED_OFF,
    Fate.INVALID,
)
_MANNERS = (Manner.AT_ONCE, Manner.DURING, Manner.AFTER, Manner.PRESSES, Manner.WAITS)


def _conduct(rng: random.Random, town: Town) -> tuple[Manner, tuple[tuple[float, str], ...], float]:
    """The manner, the keys with their times and the moment of hanging up of one who answered."""
    manner = _pick(rng, _MANNERS, msgspec.structs.astuple(town.manners))
    if manner is Manner.AT_ONCE:
        return manner, (), rng.uniform(0.1, 0.15) * town.prompt_s
    if manner is Manner.DURING:
        return manner, (), rng.uniform(0.2, 0.9) * town.prompt_s
    if manner is Manner.AFTER:
        return manner, (), rng.uniform(1.1, 1.6) * town.prompt_s
    if manner is Manner.WAITS:
        return manner, (), town.patience_s
    symbols = tuple(town.keys)
    weights = tuple(town.keys.values())
    first = _lognormal(rng, town.key_s_median, town.key_s_sigma)
    keys = [(first, _pick(rng, symbols, weights))]
    if rng.random() < town.second_key:
        keys.append((first + rng.uniform(1.0, 3.0), _pick(rng, symbols, weights)))
    return manner, tuple(k for k in keys if k[0] < town.patience_s), town.patience_s


def _lognormal(rng: random.Random, median: float, sigma: float) -> float:
    return median * float(rng.lognormvariate(0.0, sigma))


def _pick(rng: random.Random, things: tuple[T, ...], weights: tuple[float, ...]) -> T:
    return rng.choices(things, weights)[0]
