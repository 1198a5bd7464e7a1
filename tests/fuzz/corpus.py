"""The kept corpus: one text file for each target, one input for each line, in base64."""

from __future__ import annotations

import base64
from pathlib import Path

TEXT_MAX = 120_000  # characters of one file: what is kept goes through every run of the suite
HERE = Path(__file__).parent / "corpus"


def read(name: str) -> list[bytes]:
    """The inputs of a target."""
    lines = (HERE / f"{name}.txt").read_text(encoding="ascii").splitlines()
    return [base64.b64decode(line) for line in lines if line]


def write(name: str, inputs: list[bytes]) -> None:
    """Keep these, the shortest first, as many as fit."""
    lines = sorted({base64.b64encode(data).decode() for data in inputs}, key=lambda t: (len(t), t))
    text = "".join(f"{line}\n" for line in lines)
    cut = text.rfind("\n", 0, TEXT_MAX) + 1
    (HERE / f"{name}.txt").write_text(text[:cut], encoding="ascii")


def unpack(name: str, folder: Path) -> None:
    """As libFuzzer wants it: a file for each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(read(name)):
        (folder / f"{number:06}").write_bytes(data)


def pack(name: str, folder: Path) -> None:
    """Back from there."""
    write(name, [path.read_bytes() for path in sorted(folder.iterdir())])
