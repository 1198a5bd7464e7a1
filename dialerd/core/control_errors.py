"""Why a request to the daemon was refused: the same on every side of the socket."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ErrorKind(StrEnum):
    """Why a request was refused."""

    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"  # try again later
    INTERNAL = "internal"  # our bug; the log says more


class FieldFault(msgspec.Struct, frozen=True):
    """One value that was refused; `pointer` is an RFC 6901 pointer into the request."""

    detail: str
    pointer: str = ""


class ControlError(Exception):
    """A refusal, the same on every side of the socket."""

    kind = ErrorKind.INTERNAL

    def __init__(
        self, text: str, *, allowed: tuple[str, ...] = (), faults: tuple[FieldFault, ...] = ()
    ) -> None:
        """Keep the actions that would be allowed, or the values that were refused."""
        super().__init__(text)
        self.text = text
        self.allowed = allowed
        self.faults = faults


class NotFound(ControlError):  # noqa: N818
    """The named thing does not exist."""

    kind = ErrorKind.NOT_FOUND


class Conflict(ControlError):  # noqa: N818
    """It exists already, or its state does not allow this; `allowed` says what is."""

    kind = ErrorKind.CONFLICT


class Invalid(ControlError):  # noqa: N818
    """The request does not fit; `faults` says where."""

    kind = ErrorKind.INVALID


class Unavailable(ControlError):  # noqa: N818
    """Not now: the daemon stops, the store is failing, or nobody listens."""

    kind = ErrorKind.UNAVAILABLE


ERRORS: dict[ErrorKind, type[ControlError]] = {
    error.kind: error for error in (NotFound, Conflict, Invalid, Unavailable, ControlError)
}
