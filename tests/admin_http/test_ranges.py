"""Which bytes a Range asks for, at its corners."""

from __future__ import annotations

import pytest

from admin_http.problems import ProblemError
from admin_http.ranges import wanted

SIZE = 1_000


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("BYTES=0-9", (0, 10)),
        ("Bytes= 5-", (5, SIZE)),
        ("bytes=-1", (SIZE - 1, SIZE)),
        ("bytes=-99999", (0, SIZE)),
        ("bytes=0-" + "9" * 40, (0, SIZE)),
        ("bytes=-" + "9" * 1_000, (0, SIZE)),
        ("bytes=0-" + "9" * 5_000, None),
        ("bytes=٠-٩", None),
        ("bytes=0-٩", None),
        ("bytes=0-1,5-6", None),
        ("bytes=0-1,", None),
        ("bytes=-", None),
        ("bytes=9-1", None),
        ("bytes=+1-2", None),
        ("bytes=1_0-20", None),
        ("bits=0-1", None),
        ("bytes 0-1", None),
        ("bytes=0-1\x0b", None),
        ("", None),
    ],
)
def test_what_is_wanted(header: str, part: tuple[int, int] | None) -> None:
    assert wanted(header, SIZE) == part


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=" + "9" * 1_000 + "-", "bytes=-0"])
def test_behind_the_end(header: str) -> None:
    with pytest.raises(ProblemError) as refused:
        wanted(header, SIZE)
    assert refused.value.status == 416
    assert refused.value.headers["Content-Range"] == "bytes */1000"
