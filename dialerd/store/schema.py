"""What is in the store's file: the tables, their keys, and how a record becomes bytes.

    table       key                                      value
    meta        name                                     u64 (format, counters, approvals under way)
    lists       list u32                                 ContactList
    list_names  name                                     list u32
    contacts    list u32 | row u32                       Contact        rows count from 1
    phones      phone u64 | list u32                     row u32        of all numbers of a person
    campaigns   campaign u32                             Campaign
    names       name                                     campaign u32
    moves       campaign u32 | move u64                  CampaignMove
    books       campaign u32                             Books          leads and outcomes counted
    leads       campaign u32 | lead u32                  Lead           see `audience`
    due         campaign u32 | state u8 | due u32 | lead u32    (empty)
    open        attempt u64                              OpenAttempt    claimed or begun
    attempts    campaign u32 | lead u32 | attempt u64    Attempt        written when dialing begins
    events      campaign u32 | lead u32 | attempt u64 | index u32       tuple of CallEvent
    caps        phone u64                                calls that use up a frequency cap
    dnc         phone u64                                DoNotCall      of our own list, everywhere
                phone u64 | list u8 | campaign u32       DoNotCall      any other
    dialogs     attempt u64                              the line of a begun attempt (`dialogs`)
                2^63 and more                            that of an agent's telephone
    old_calls   attempt u64                              OldCall        until it has been ended
    usage       day u32 | trunk | NUL | port             Usage          what a line used
    imports     list u32 | digest of the source          ImportMark     until the import ends
    ended       seq u64                                  campaign u32 | lead u32 | attempt u64
    cursors     name                                     Cursor         who has taken which of them
    outbox      number u64                               OutboxRow      who is to be told of what
    hidden      keyed digest of a number                 as `caps`      of numbers that were erased
    audit       number u64                               AuditLine      erasures, without the number
    callbacks   campaign u32 | lead u32                  Callback       while it is promised
    own_due     agent | NUL | campaign u32 | due u32 | lead u32     (empty)  an agent's own of them
    met         campaign u32 | quarter of an hour u32    Met            who answered: served, lost
    notes       phone u64 | attempt u64                  Note           what an agent wrote
    agent_log   at u64 ms | seq u32 | agent              AgentMove      what agents did
    wrapping    attempt u64                              campaign u32 | lead u32  to be disposed of
    standing    agent                                    Standing       who is logged in
    scripts     script u32 | version u32                 ScriptVersion
    script_names    name                                 script u32
    flows       flow u32 | version u32                   FlowVersion
    flow_names  name                                     flow u32
    sheets      campaign u32 | lead u32 | attempt u64    AnswerSheet    which script it began with
    answers     the same | question                      KeptAnswer     the last one to each
    over        phone u64 | campaign u32 | lead u32 | attempt u64   (empty)  calls beside a person's
    sim_cards   ICCID                                    SimCard        of modem banks
    texts       number u64                               SimText        that reached them
    texts_of    phone u64 | digest                       number u64     of who sent what

Keys are big-endian, so that a range scan is the query. A lead has exactly one index entry: in
`open` while it is in the dialer's hands (CLAIMED, DIALING), in `due` at all other times.

A value is a version byte, the CRC-32 of what follows, and a MessagePack array whose fields are only
ever appended: an older record decodes with the new fields' defaults.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec

from dialerd.core.agent_records import AgentMove, Callback, Note, Standing
from dialerd.core.flow_records import FlowVersion
from dialerd.core.modem_records import SimCard, SimText
from dialerd.core.ops import Met, OldCall
from dialerd.core.ports import StoreError, StoreFailedError
from dialerd.core.record import Record
from dialerd.core.records import (
    Attempt,
    CallEvent,
    Campaign,
    CampaignMove,
    Contact,
    ContactList,
    Direction,
    DoNotCall,
    ImportMark,
    Lead,
    LeadState,
    Usage,
)
from dialerd.core.script_records import AnswerSheet, KeptAnswer, ScriptVersion
from fastpath.sealing import Seal, Sealed

FORMAT: Final = 2
VERSION: Final = 1
T = TypeVar("T")


class StoreFormatError(StoreError):
    """The files are no store, or a newer program wrote them; the text names file and version."""


class CorruptRecordError(StoreFailedError):
    """A stored record does not match its checksum, or is no record of its kind."""


def told(error: Exception) -> Exception:
    """A record that cannot be decoded is a fault of the file, whoever came upon it."""
    unpacked = isinstance(error, struct.error) and "unpack" in str(error)
    if unpacked or isinstance(error, msgspec.DecodeError):
        return CorruptRecordError(f"a record cannot be read: {error}; `dialerd fsck` tells more")
    return error


class OpenAttempt(Record):
    """A lead in the dialer's hands: which one, and until when unless dialing begins."""

    campaign_id: int
    lead_id: int
    phone: int
    number: int
    claimed_ms: int
    lease_ms: int
    node: str = ""  # who holds it; empty where there is one node
    evidence: str = ""  # by which rules it was claimed
    callback: Callback | None = None  # the promise that it keeps
    direction: Direction = Direction.OUT
    before: LeadState = LeadState.READY  # where a lead stood whose customer calls back,
    due_s: int = 0  # and since when it was due: it goes back there unless the message was heard
    of: int = 0  # the attempt whose person is put through
    after: int = 0  # the attempt that had the lead before its customer called back


class ContactPhone(Record):
    """The head of a `Contact`, when the number alone is wanted."""

    phone: int


class FreshLead(Record):
    """The head of a `Lead` as it is written at approval: what follows it has its defaults."""

    campaign_id: int
    lead_id: int
    contact: int
    phone: int
    state: LeadState
    attempts: int
    due_s: int


class BooksRecord(Record):
    """A campaign's counts by lead state and by outcome, in the order of the enumerations."""

    leads: tuple[int, ...]
    outcomes: tuple[int, ...]


class Cursor(Record):
    """How far somebody has taken what ended.

    Records up to `seq` are in its hands. `part` is a file, complete and durable, that holds those
    behind up to `last`, and is on its way to the name `final` in the folder `target`. `length` is
    how much of a file that is added to holds records up to `seq`.
    """

    name: str
    seq: int = 0
    at_ms: int = 0
    target: str = ""
    part: str = ""
    final: str = ""
    last: int = 0
    length: int = 0


class OutboxRow(Record):
    """Somebody is to be told: what of (`ended`), and where it is found. It holds nothing itself."""

    kind: str
    seq: int
    campaign_id: int
    lead_id: int
    attempt_id: int


class AuditLine(Record):
    """Who did what to the records, told without what it was done to."""

    at_ms: int
    who: str
    what: str
    counts: dict[str, int] = {}  # noqa: RUF012 - a Struct copies it


_encode = msgspec.msgpack.Encoder().encode
HEAD_BYTES: Final = 5  # version and checksum


def _corrupt(value: bytes) -> StoreError:
    if len(value) >= HEAD_BYTES and value[0] > VERSION:
        return StoreFormatError(
            f"a record has version {value[0]}, this program reads up to {VERSION}"
        )
    return CorruptRecordError(f"a record of {len(value)} bytes does not match its checksum")


_seal: Final = Seal(VERSION, _corrupt)
seal = _seal.seal  # the stored form of a body: version and checksum in front
unseal = _seal.unseal  # the body again; CorruptRecordError when it is not what was written


class Codec(Sealed[T]):
    """Turns one kind of record into its stored form and back."""

    def __init__(self, kind: Any) -> None:
        """`kind` is a record class or a tuple type."""
        super().__init__(_seal, _encode, msgspec.msgpack.Decoder(kind).decode)


LIST: Final = Codec[ContactList](ContactList)
CONTACT: Final = Codec[Contact](Contact)
CONTACT_PHONE: Final = Codec[ContactPhone](ContactPhone)
CAMPAIGN: Final = Codec[Campaign](Campaign)
MOVE: Final = Codec[CampaignMove](CampaignMove)
BOOKS: Final = Codec[BooksRecord](BooksRecord)
FRESH_LEAD: Final = Codec[FreshLead](FreshLead)
LEAD: Final = Codec[Lead](Lead)
OPEN: Final = Codec[OpenAttempt](OpenAttempt)
ATTEMPT: Final = Codec[Attempt](Attempt)
EVENTS: Final = Codec[tuple[CallEvent, ...]](tuple[CallEvent, ...])
DNC: Final = Codec[DoNotCall](DoNotCall)
OLD_CALL: Final = Codec[OldCall](OldCall)
USAGE: Final = Codec[Usage](Usage)
IMPORT: Final = Codec[ImportMark](ImportMark)
CURSOR: Final = Codec[Cursor](Cursor)
OUTBOX: Final = Codec[OutboxRow](OutboxRow)
AUDIT: Final = Codec[AuditLine](AuditLine)
CALLBACK: Final = Codec[Callback](Callback)
MET: Final = Codec[Met](Met)
NOTE: Final = Codec[Note](Note)
AGENT_MOVE: Final = Codec[AgentMove](AgentMove)
STANDING: Final = Codec[Standing](Standing)
SCRIPT: Final = Codec[ScriptVersion](ScriptVersion)
FLOW: Final = Codec[FlowVersion](FlowVersion)
SHEET: Final = Codec[AnswerSheet](AnswerSheet)
ANSWER: Final = Codec[KeptAnswer](KeptAnswer)
SIM_CARD: Final = Codec[SimCard](SimCard)
SIM_TEXT: Final = Codec[SimText](SimText)

_u32, _u64 = struct.Struct(">I"), struct.Struct(">Q")
_u32u32, _u32u64, _u64u32 = struct.Struct(">II"), struct.Struct(">IQ"), struct.Struct(">QI")
_u32u32u32, _u64u64 = struct.Struct(">III"), struct.Struct(">QQ")
_due = struct.Struct(">IBII")
_ban = struct.Struct(">QBI")
_attempt = struct.Struct(">IIQ")
_event = struct.Struct(">IIQI")
_over = struct.Struct(">QIIQ")

USAGE_NAME_MAX: Final = 256
DUE_MAX: Final = 0xFFFF_FFFF
ROW_MAX: Final = 0xFFFF_FFFF

list_key = campaign_key = books_key = number32 = _u32.pack  # (list u32) (campaign u32)
open_key = phone_key = number64 = _u64.pack  # (attempt u64) (phone u64)
contact_key = lead_key = _u32u32.pack  # (list u32, row u32) (campaign u32, lead u32)
move_key = _u32u64.pack  # (campaign u32, move u64)
phone_list_key = _u64u32.pack  # (phone u64, list u32)
ban_key = _ban.pack  # (phone u64, list u8, campaign u32)
version_key = _u32u32.pack  # (script or flow u32, version u32)
due_key = _due.pack  # (campaign u32, state u8, due u32, lead u32)
attempt_key = _attempt.pack  # (campaign u32, lead u32, attempt u64)
over_key = _over.pack  # (phone u64, campaign u32, lead u32, attempt u64)
event_key = _event.pack  # (campaign u32, lead u32, attempt u64, index u32)


def usage_key(day: int, trunk: str, port: str) -> bytes:
    """(day u32, trunk, port); neither name holds a NUL, and both are short."""
    return _u32.pack(day) + f"{trunk}\0{port}".encode()[:USAGE_NAME_MAX]


def import_key(list_id: int, source: str) -> bytes:
    """(list u32, 16 bytes that stand for the name of a source)."""
    return _u32.pack(list_id) + blake2b(source.encode("utf-8", "replace"), digest_size=16).digest()


def own_key(agent: bytes, campaign_id: int, due_s: int, lead_id: int) -> bytes:
    """(agent, NUL, campaign u32, due u32, lead u32); a name holds no NUL."""
    return agent + b"\0" + _u32u32u32.pack(campaign_id, min(due_s, DUE_MAX), lead_id)


def split_own(key: bytes) -> tuple[int, int, int]:
    """Campaign, due second and lead of an agent's own callback."""
    campaign_id, due_s, lead_id = _u32u32u32.unpack(key[-12:])
    return campaign_id, due_s, lead_id


met_key = _u32u32.pack  # (campaign u32, quarter u32)
note_key = _u64u64.pack  # (phone u64, attempt u64)
log_key = _u64u32.pack  # (at u64, seq u32), with the agent behind
split_lead = _u32u32.unpack
split_version = _u32u32.unpack
split_attempt = _attempt.unpack
split_due = _due.unpack
split_event = _event.unpack
split_over = _over.unpack


def read_u32(value: bytes) -> int:
    """A plain number as stored."""
    found: int = _u32.unpack(value)[0]
    return found


def read_u64(value: bytes) -> int:
    """A plain number as stored."""
    found: int = _u64.unpack(value)[0]
    return found


def read_nothing(value: bytes) -> None:
    """An index entry is its key; CorruptRecordError when there is more."""
    if value:
        raise _corrupt(value)
