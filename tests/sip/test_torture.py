"""RFC 4475 and 5118: every torture message is judged as the RFC says, where the files are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastpath.sipscan import ScanError, scan

FOLDER = Path(__file__).parents[3] / "shared" / "torture"


def cases() -> list[tuple[Path, str]]:
    found = []
    for table in sorted(FOLDER.glob("*/expected.tsv")):
        head, *rows = (line.split("\t") for line in table.read_text().splitlines())
        column = head.index("expect")
        found += [(table.parent / row[0], row[column]) for row in rows]
    return found


@pytest.mark.parametrize(("path", "expected"), cases(), ids=lambda v: getattr(v, "stem", v))
def test_the_scanner_judges_as_the_rfc(path: Path, expected: str):
    data = path.read_bytes()
    if expected == "refuse":
        with pytest.raises(ScanError) as error:
            scan(data)
        assert error.value.status == (505 if path.stem == "badvers" else 400)
    else:
        scan(data)
