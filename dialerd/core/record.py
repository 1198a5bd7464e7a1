"""What every stored record is: a MessagePack array whose fields are only ever appended."""

from __future__ import annotations

from typing import dataclass_transform

import msgspec

Fields = dict[str, str]


@dataclass_transform(frozen_default=True)
class Record(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=False, gc=False):
    """Base of every stored record."""
