"""What the tables of the configuration are made of: the base, a key's documentation, patterns."""

from __future__ import annotations

from typing import Any, Final, dataclass_transform

import msgspec
from msgspec import Meta

LIVE: Final = "live"  # takes effect at a reload
DRAIN: Final = "drain"  # at a reload, for calls that begin after it
RESTART: Final = "restart"  # only when the daemon starts

# A plain $ would let a line feed pass at the end of a text, and these texts reach SIP lines.
HOST: Final = r"^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?$(?!\n)"
HOST_OR_NONE: Final = r"^$(?!\n)|" + HOST
BIND: Final = r"^[A-Za-z0-9:]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9:])?$(?!\n)"  # "::" and "::1" too
SERVER: Final = r"^[A-Za-z0-9:\[]([A-Za-z0-9.:_\[\]-]{0,252}[A-Za-z0-9:\]])?$(?!\n)"  # with a port
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)"
LINE: Final = r"^[^\x00-\x1f\x7f\"<>]{0,128}$(?!\n)"
DIGITS: Final = r"^[1-9][0-9]{0,14}$(?!\n)"
PREFIX_HINT: Final = 'E.164 digits without the plus, such as "8490"'


def host_and_port(text: str, usual: int) -> tuple[str, int]:
    """What `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53` names; ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        return text.strip("[]"), usual
    if not 0 < int(port) < 65_536:
        raise ValueError(f"not a port: {port}")
    return host.strip("[]"), int(port)


def doc(
    text: str, reload: str, *, hint: str = "", shown: str = "", secret: bool = False, **limits: Any
) -> Meta:
    """The Meta of one key: `shown` stands for the default in texts, `hint` helps after a fault."""
    extra = {"reload": reload, "hint": hint, "shown": shown, "secret": secret}
    return Meta(description=text, extra=extra, **limits)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the tables of the file."""
