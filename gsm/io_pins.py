"""Refused PINs, remembered from one command to the next where no daemon keeps them.

A file of the user's own (`$XDG_STATE_HOME/dialerd/refused-pins.json`): by card, or by module where
a card does not tell its number before its PIN, a mark of the PIN that was refused
(`gsm.card.pin_mark`). It goes when the card is ready, or another PIN is tried.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from gsm.card import CardState
from gsm.events import CardChanged, CardSeen, Fact
from gsm.port import Port

log = logging.getLogger("gsm.port")

KEPT_MAX: Final = 256  # the oldest are forgotten


class Runs(Protocol):
    """A `gsm.io_port.PortRunner`."""

    def do(self, what: Callable[[Port, int], object]) -> object:
        """Give its machine an input."""
        ...


def usual_path() -> Path:
    """Where the XDG base directories put what a program remembers."""
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return folder / "dialerd" / "refused-pins.json"


class RefusedPins:
    """See the module's text: hears a port's facts, passes them on to `on_fact`."""

    def __init__(self, runner: Callable[[], Runs], on_fact: Callable[[Fact], None]) -> None:
        """Of the port that `runner` drives."""
        self._runner = runner
        self._on_fact = on_fact
        self._path = usual_path()

    def __call__(self, fact: Fact) -> None:
        """What a port tells."""
        match fact:
            case CardSeen(key=key):
                mark = self._read().get(key, "")
                if mark:
                    card = CardState(iccid=key, locks={}, refused_pin=mark)
                    self._runner().do(lambda port, now_ns: port.know(card, now_ns))
            case CardChanged(card=card):
                self._keep(card.iccid, card.refused_pin)
            case _:
                pass
        self._on_fact(fact)

    def _read(self) -> dict[str, str]:
        try:
            held: Any = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(held, dict):
            return {}
        return {k: v for k, v in held.items() if isinstance(v, str)}

    def _keep(self, key: str, mark: str) -> None:
        held = self._read()
        if held.pop(key, "") == mark:
            return
        if mark:
            held[key] = mark
        kept = dict(list(held.items())[-KEPT_MAX:])
        part = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(kept, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            log.warning("a refused PIN cannot be remembered: %s", error)
