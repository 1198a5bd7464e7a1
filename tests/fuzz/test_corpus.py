"""Every input that fuzzing once found worth keeping, through the very functions that found it."""

from __future__ import annotations

import pytest

from fastpath.sipscan import ScanError, scan
from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_kept_corpus(name: str) -> None:
    inputs = corpus.read(name)
    assert len(inputs) > 20
    for data in inputs:
        TARGETS[name](data)


def test_a_broken_via_after_a_longer_one_tells_no_bytes_that_are_not_its_own() -> None:
    """Two broken Via lines: the host of one was once told with the length of the other."""
    data = b"OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP " + b"h" * 200 + b" x\r\n"
    with pytest.raises(ScanError) as caught:
        scan(data + b"v: SIP/2.0/UDP ?\r\n\r\n")
    found = caught.value.message
    assert found is not None
    assert found.sent_by[0] == b""


def test_corpus_files_round_trip(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(corpus, "HERE", tmp_path)
    corpus.write("x", [b"long enough", b"", b"\0\r\n"])
    assert set(corpus.read("x")) == {b"long enough", b"\0\r\n"}
    corpus.unpack("x", tmp_path / "files")
    corpus.pack("x", tmp_path / "files")
    assert set(corpus.read("x")) == {b"long enough", b"\0\r\n"}
