"""G.711 against its own tables, and against values everybody knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpath import g711
from tests.reference import g711 as twin

SAMPLES = np.arange(-32768, 32768, dtype=np.int16)
CODES = bytes(range(256))


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_every_sample_and_code_agrees_with_the_tables(law: str) -> None:
    encoded = getattr(g711, f"{law}_encode")(SAMPLES)
    assert list(encoded) == [getattr(twin, f"{law}_encode")(int(s)) for s in SAMPLES]
    decoded = getattr(g711, f"{law}_decode")(CODES)
    assert decoded.tolist() == [getattr(twin, f"{law}_decode")(c) for c in CODES]


def test_the_tables_end_where_the_recommendation_says() -> None:
    assert (len(twin.ULAW_DECISIONS), twin.ULAW_DECISIONS[-1]) == (129, 8159)
    assert (len(twin.ALAW_DECISIONS), twin.ALAW_DECISIONS[-1]) == (129, 4096 // 2)
    assert [v for v in (31, 95, 223, 479, 991, 2015, 4063) if v in twin.ULAW_DECISIONS[16::16]] == [
        31, 95, 223, 479, 991, 2015, 4063,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("law", "sample", "code"),
    [
        ("ulaw", 0, 0xFF), ("ulaw", -1, 0x7F), ("ulaw", 32767, 0x80), ("ulaw", -32768, 0x00),
        ("ulaw", 1000, 0xCE), ("ulaw", -1000, 0x4E), ("ulaw", 4, 0xFE),
        ("alaw", 0, 0xD5), ("alaw", -1, 0x55), ("alaw", 32767, 0xAA), ("alaw", -32768, 0x2A),
        ("alaw", 1000, 0xFA), ("alaw", -1000, 0x7A),
    ],
)  # fmt: skip
def test_known_codes(law: str, sample: int, code: int) -> None:
    assert getattr(g711, f"{law}_encode")(np.array([sample], np.int16)) == bytes([code])


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        ("ulaw", 0xFF, 0), ("ulaw", 0x7F, 0), ("ulaw", 0x80, 32124), ("ulaw", 0x00, -32124),
        ("ulaw", 0xFE, 8), ("ulaw", 0xCE, 988),
        ("alaw", 0xD5, 8), ("alaw", 0x55, -8), ("alaw", 0xAA, 32256), ("alaw", 0x2A, -32256),
        ("alaw", 0xFA, 1008),
    ],
)  # fmt: skip
def test_known_samples(law: str, code: int, sample: int) -> None:
    assert getattr(g711, f"{law}_decode")(bytes([code])).tolist() == [sample]


def test_decoding_then_encoding_changes_no_code_but_minus_nothing() -> None:
    again = g711.ulaw_encode(g711.ulaw_decode(CODES))
    assert [c for c in CODES if again[c] != c] == [0x7F]  # -0 becomes +0
    assert g711.alaw_encode(g711.alaw_decode(CODES)) == CODES


def test_transcoding_goes_through_the_samples() -> None:
    assert g711.ulaw_to_alaw(CODES) == g711.alaw_encode(g711.ulaw_decode(CODES))
    assert g711.alaw_to_ulaw(CODES) == g711.ulaw_encode(g711.alaw_decode(CODES))


@given(st.binary(max_size=2000))
def test_any_length_goes_through(data: bytes) -> None:
    assert len(g711.ulaw_decode(data)) == len(g711.alaw_decode(data)) == len(data)
    assert g711.alaw_decode(data).tolist() == [twin.alaw_decode(c) for c in data]
    assert g711.ulaw_decode(bytearray(data)).tolist() == [twin.ulaw_decode(c) for c in data]


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="mismatch"):
        g711.ulaw_encode(np.zeros(4, np.float32))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dimensions"):
        g711.alaw_encode(np.zeros((2, 2), np.int16))
