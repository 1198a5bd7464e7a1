"""Sealed records beside their plain twin: the same bytes, and the same values refused."""

from __future__ import annotations

import sys
import tracemalloc

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastpath.sealing import Seal, Sealed
from tests.reference import sealing as twin


class RefusedError(Exception):
    """Of one value."""


OURS = Seal(1, RefusedError)
TWIN = twin.Seal(1, RefusedError)
BODIES = st.binary(max_size=600)


@given(BODIES)
@example(b"")
@example(bytes(70_000))
def test_the_same_bytes(body):
    value = OURS.seal(body)
    assert value == TWIN.seal(body)
    assert OURS.unseal(value) == body


def opened(seal, value):
    try:
        return seal.unseal(value)
    except RefusedError as error:
        return error.args


@given(BODIES, st.integers(0, 604), st.integers(1, 255))
def test_one_changed_byte_is_refused_by_both(body, at, change):
    value = bytearray(OURS.seal(body))
    value[at % len(value)] ^= change
    found = opened(OURS, bytes(value))
    assert found == opened(TWIN, bytes(value)) == (bytes(value),)


@given(st.binary(max_size=40))
@example(b"\x01\0\0\0\0")
@example(b"\x01\0\0\0")
def test_whatever_is_no_record_is_told_alike(value):
    assert opened(OURS, value) == opened(TWIN, value)


@given(BODIES, st.integers(0, 600))
def test_what_is_cut_off_is_refused(body, left):
    value = OURS.seal(body)
    if left < len(value):
        assert opened(OURS, value[:left]) == (value[:left],)


@pytest.mark.parametrize("version", range(256))
def test_a_version_is_one_byte(version):
    value = Seal(version, RefusedError).seal(b"x")
    assert value[0] == version
    assert opened(OURS, value) == (b"x" if version == 1 else (value,))


@pytest.mark.parametrize("version", [-1, 256])
def test_no_other_version(version):
    with pytest.raises(OverflowError):
        Seal(version, RefusedError)


class Row(msgspec.Struct, array_like=True):
    number: int
    text: str = ""


def pair():
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Row).decode
    return Sealed[Row](OURS, encode, decode), twin.Sealed(TWIN, encode, decode)


@given(st.integers(-(2**63), 2**63 - 1), st.text())
def test_records_of_a_kind(number, text):
    ours, theirs = pair()
    row = Row(number, text)
    assert ours.pack(row) == theirs.pack(row)
    assert ours.unpack(theirs.pack(row)) == row


def test_what_the_decoder_refuses_is_its_own_error():
    ours, _ = pair()
    with pytest.raises(msgspec.ValidationError):
        ours.unpack(OURS.seal(msgspec.msgpack.encode(["no number"])))


@pytest.mark.parametrize("value", [None, "text", bytearray(b"\x01\0\0\0\0"), 7])
def test_only_bytes(value):
    ours, _ = pair()
    for use in (OURS.seal, OURS.unseal, ours.unpack):
        with pytest.raises((TypeError, RefusedError)):
            use(value)


def test_nothing_is_kept():
    ours, _ = pair()
    row, wrong = Row(7, "x" * 100), b"\x01" + bytes(50)
    counts = sys.getrefcount(row), sys.getrefcount(wrong)
    tracemalloc.start()
    for _ in range(2_000):
        ours.unpack(ours.pack(row))
        opened(OURS, wrong)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 20_000
    assert (sys.getrefcount(row), sys.getrefcount(wrong)) == counts
