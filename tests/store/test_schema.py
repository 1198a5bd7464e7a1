"""How records become bytes: versions, checksums, keys in order."""

from __future__ import annotations

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.ports import StoreFailedError
from dialerd.core.record import Record
from dialerd.core.records import Attempt, Contact, Lead, LeadState, Outcome, Usage
from dialerd.store import StoreFormatError, schema
from dialerd.store.schema import ATTEMPT, CONTACT, HEAD_BYTES, LEAD, Codec, seal, unseal

LEAD_1 = Lead(1, 2, 3, 84_912_345_678, LeadState.RETRY, 2, 1_790_000_000, 77, Outcome.BUSY)


def test_there_and_back():
    contact = Contact(84_912_345_678, "0912.345.678", "vina", {"tên": "Nguyễn Văn A"})
    attempt = Attempt(9, 1, 2, 84_912_345_678, 1, 5, outcome=Outcome.NO_ANSWER, rule="prefix 8491")
    assert LEAD.unpack(LEAD.pack(LEAD_1)) == LEAD_1
    assert CONTACT.unpack(CONTACT.pack(contact)) == contact
    assert ATTEMPT.unpack(ATTEMPT.pack(attempt)) == attempt


def test_the_body_is_plain_msgpack():
    body = unseal(LEAD.pack(LEAD_1))
    assert msgpack.unpackb(body) == [
        1,
        2,
        3,
        84_912_345_678,
        1,
        2,
        1_790_000_000,
        77,
        "busy",
        {},
        [],
    ]


def test_any_changed_byte_is_noticed():
    value = LEAD.pack(LEAD_1)
    for index in range(1, len(value)):
        wrong = bytearray(value)
        wrong[index] ^= 0x10
        with pytest.raises(StoreFailedError, match="checksum"):
            LEAD.unpack(bytes(wrong))


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x01abc", b"\x00" * 30])
def test_what_is_no_record(value):
    with pytest.raises(StoreFailedError, match="checksum"):
        LEAD.unpack(value)
    with pytest.raises(StoreFailedError, match="checksum"):
        unseal(value)


def test_a_newer_record_is_refused_by_name():
    newer = b"\x02" + LEAD.pack(LEAD_1)[1:]
    with pytest.raises(StoreFormatError, match="version 2, this program reads up to 1"):
        LEAD.unpack(newer)


class Older(Record):
    phone: int
    original: str


class Newer(Record):
    phone: int
    original: str
    carrier: str = ""
    fields: dict[str, str] = {}  # noqa: RUF012  msgspec copies it
    others: tuple[int, ...] = ()
    later: int = 5


def test_fields_are_appended_and_default():
    old = Codec[Older](Older).pack(Older(5, "x"))
    assert CONTACT.unpack(old) == Contact(5, "x")
    new = Codec[Newer](Newer).pack(Newer(5, "x", "y", {"a": "b"}, (), 9))
    assert CONTACT.unpack(new) == Contact(5, "x", "y", {"a": "b"})


def test_every_record_only_grows():
    """The stored order of fields. A change here must append, or come with a migration."""
    heads = {
        Contact: ("phone", "original", "carrier", "fields"),
        Lead: (
            *("campaign_id", "lead_id", "contact", "phone", "state", "attempts"),
            *("due_s", "attempt_id", "outcome"),
        ),
        Attempt: (
            *("attempt_id", "campaign_id", "lead_id", "phone", "number", "claimed_ms"),
            *("trunk", "call_id", "begun_ms", "answered_ms", "ended_ms", "outcome"),
            *("code", "q850", "released_by", "keys", "rule", "port", "minute_milli", "usage_day"),
        ),
        Usage: ("trunk", "port", "day", "calls", "seconds", "milli"),
        schema.OpenAttempt: (
            *("campaign_id", "lead_id", "phone", "number", "claimed_ms", "lease_ms"),
        ),
    }
    for kind, head in heads.items():
        names = tuple(field.name for field in msgspec.structs.fields(kind))
        assert names[: len(head)] == head, kind


def test_lead_states_keep_their_values():
    """They stand in the keys of the due index."""
    assert [state.value for state in LeadState] == list(range(13))
    assert LeadState.READY == 0
    assert LeadState.INTERRUPTED == 8
    assert LeadState.CALLBACK == 12


U32 = st.integers(0, 2**32 - 1)


@given(st.lists(st.tuples(U32, st.integers(0, 255), U32, U32), min_size=2, max_size=2))
def test_keys_sort_like_their_parts(parts):
    assert sorted(parts) == [
        schema.split_due(key) for key in sorted(schema.due_key(*part) for part in parts)
    ]


@given(st.binary(max_size=100))
def test_sealed_bytes(body):
    assert unseal(seal(body)) == body
    assert len(seal(body)) == len(body) + HEAD_BYTES
