"""RFC 4475 and 5118: each torture message is judged as the RFC says, where they are at hand."""

from __future__ import annotations

from pathlib import Path

from fastpath.sipscan import ScanError, scan
from tests import tree

FOLDER = tree.ROOT.parent / "shared" / "torture"


def cases() -> list[tuple[Path, str]]:
    found = []
    for table in sorted(FOLDER.glob("*/expected.tsv")):
        head, *rows = (line.split("\t") for line in table.read_text().splitlines())
        column = head.index("expect")
        found += [(table.parent / row[0], row[column]) for row in rows]
    return found


def judged(path: Path) -> str:
    try:
        scan(path.read_bytes())
    except ScanError as error:
        return "refuse" if error.status == (505 if path.stem == "badvers" else 400) else "?"
    return "accept"


def test_the_scanner_judges_as_the_rfc():
    wrong = [
        (path.stem, expected)
        for path, expected in cases()
        if judged(path) != ("refuse" if expected == "refuse" else "accept")
    ]
    assert not wrong
