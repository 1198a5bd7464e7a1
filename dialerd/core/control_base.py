"""What every request to the daemon and every reply of it is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar, dataclass_transform

import msgspec

R = TypeVar("R")
Instant = Annotated[datetime, msgspec.Meta(tz=True)]  # RFC 3339, which has a zone

PAGE_MAX = 500


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Request(msgspec.Struct, Generic[R], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the requests; `R` is what answers it."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the replies; a newer daemon may add fields."""
