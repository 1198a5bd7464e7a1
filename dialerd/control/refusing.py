"""What the store refuses, as a refusal of the daemon."""

from __future__ import annotations

from dialerd.core.control_errors import Conflict, ControlError, Invalid, NotFound, Unavailable
from dialerd.core.ports import ConflictError, NotFoundError, StoreError, StoreFailedError


def refused(error: StoreError) -> ControlError:
    """In the words of the socket."""
    match error:
        case NotFoundError():
            return NotFound(str(error))
        case ConflictError():
            return Conflict(str(error), allowed=error.allowed)
        case StoreFailedError():
            return Unavailable(f"the store cannot write: {error}")
        case _:
            return Invalid(str(error))
