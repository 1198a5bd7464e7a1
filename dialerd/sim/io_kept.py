"""What a folder of the demo remembers of its scene."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dialerd.sim.io_procs import ChildError
from dialerd.sim.summary import Imported

KEPT = "demo.json"


class Kept(msgspec.Struct, frozen=True):
    """What a folder remembers of its scene, for a run that is taken up again."""

    seed: int
    leads: int
    imported: Imported | None = None


def read_kept(folder: Path) -> Kept | None:
    """None for a new folder; ChildError when the file is damaged."""
    try:
        return msgspec.json.decode((folder / KEPT).read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise ChildError(f"{folder / KEPT} is damaged ({error}); name another folder") from None


def write_kept(folder: Path, kept: Kept) -> None:
    """Replace it whole."""
    new = folder / f"{KEPT}.new"
    new.write_bytes(msgspec.json.encode(kept))
    new.replace(folder / KEPT)
