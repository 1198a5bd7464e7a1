"""Lists of people and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from dialerd.core.limits import NUMBERS_MAX
from dialerd.core.ports import ConflictError, ContactsAdded, NotFoundError, StoreError
from dialerd.core.records import Contact, ContactList, ImportMark, OtherPhone
from dialerd.store.limits import (
    COLUMNS_MAX,
    CONTACT_BYTES_MAX,
    LIST_SIZE_MAX,
    LISTED_MAX,
    NAME_BYTES_MAX,
    PHONE_MAX,
    STEP_ROWS,
)
from dialerd.store.schema import (
    CONTACT,
    IMPORT,
    LIST,
    contact_key,
    import_key,
    list_key,
    number32,
    phone_list_key,
    read_u32,
)
from dialerd.store.unit import More, Unit

NOTHING_ADDED: Final = ContactsAdded(0, ())
PHONE_BYTES: Final = 8  # of a key that begins with a number


def check_name(name: str, what: str) -> bytes:
    """The name as a key; StoreError when it cannot be one."""
    key = name.encode("utf-8", "replace")
    if not name.strip() or len(key) > NAME_BYTES_MAX or not name.isprintable():
        raise StoreError(
            f"a {what}'s name needs 1 to {NAME_BYTES_MAX} bytes of printable text, not {name!r:.80}"
        )
    return key


def create_list(unit: Unit, name: str, at_ms: int) -> ContactList:
    """Make an empty list."""
    key = check_name(name, "list")
    if unit.t.list_names.get(key) is not None:
        raise ConflictError(f"there is a list named {name!r} already")
    found = ContactList(unit.next_number(b"next_list"), name, at_ms)
    unit.t.list_names.put(key, number32(found.list_id))
    unit.t.lists.put(list_key(found.list_id), LIST.pack(found))
    return found


def get_list(unit: Unit, list_id: int) -> ContactList:
    """By id; NotFoundError when there is none."""
    raw = unit.t.lists.get(list_key(list_id)) if 0 < list_id <= 0xFFFF_FFFF else None
    if raw is None:
        raise NotFoundError(f"there is no list {list_id}")
    return LIST.unpack(raw)


def find_list(unit: Unit, name: str) -> ContactList:
    """By name; NotFoundError when there is none."""
    key = name.encode("utf-8", "replace")[: NAME_BYTES_MAX + 1]
    raw = unit.t.list_names.get(key) if key else None
    if raw is None:
        raise NotFoundError(f"there is no list named {name!r:.80}")
    return get_list(unit, read_u32(raw))


def all_lists(unit: Unit) -> list[ContactList]:
    """Oldest first."""
    rows = unit.t.lists.scan(b"", b"\xff" * 5, LISTED_MAX)
    return [LIST.unpack(raw) for _, raw in rows]


class Adding(NamedTuple):
    """People being added, one step of rows per transaction.

    A crash between steps leaves whole steps in the list; adding the same people again then finds
    those as duplicates.
    """

    list_id: int
    contacts: tuple[Contact, ...]
    skip_elsewhere: bool = False
    mark: ImportMark | None = None
    after: int = 0  # where the mark before it stands
    offset: int = 0
    done: ContactsAdded = NOTHING_ADDED

    def step(self, unit: Unit) -> ContactsAdded | More:
        """The next rows; More when some are left."""
        people, offset = get_list(unit, self.list_id), self.offset
        if people.closed_ms:
            raise ConflictError(f"the list {people.name!r} is closed: open it, or take another")
        rows = self.contacts[offset : offset + STEP_ROWS]
        sorted_out = _sort_out(unit, people, rows, skip_elsewhere=self.skip_elsewhere)
        fresh = sorted_out.fresh
        _append(unit, people, fresh)
        done = ContactsAdded(
            self.done.added + len(fresh),
            self.done.duplicates + tuple(offset + i for i in sorted_out.duplicates),
            self.done.elsewhere + tuple(offset + i for i in sorted_out.elsewhere),
            self.done.known + sorted_out.known,
        )
        offset += len(rows)
        if offset < len(self.contacts):
            return More(self._replace(offset=offset, done=done).step)
        if self.mark is not None:
            before = import_mark(unit, self.list_id, self.mark.source)
            stands = 0 if before is None else before.rows
            if stands != self.after:
                raise ConflictError(
                    f"the import of {self.mark.source} stands behind row {stands}, not {self.after}"
                )
            unit.t.imports.put(import_key(self.list_id, self.mark.source), IMPORT.pack(self.mark))
        return done


class _SortedOut(NamedTuple):
    fresh: list[tuple[int, Contact]]  # with their index, in the order given
    duplicates: list[int]
    elsewhere: list[int]
    known: int


def _sort_out(
    unit: Unit, people: ContactList, contacts: Sequence[Contact], *, skip_elsewhere: bool
) -> _SortedOut:
    """Who is new. The first list of a number is one step in the index: nearly all have none."""
    list_id, get, seek = people.list_id, unit.t.phones.get, unit.t.phones.seek
    fresh: list[tuple[int, Contact]] = []
    duplicates: list[int] = []
    elsewhere: list[int] = []
    seen: set[int] = set()
    known = 0
    for index, contact in enumerate(contacts):
        phone = contact.phone
        if not 0 < phone <= PHONE_MAX:
            raise StoreError(f"contact {index}: {phone} is no E.164 number")
        if phone in seen:
            duplicates.append(index)
            continue
        first = phone_list_key(phone, 0)
        if seek(first)[:PHONE_BYTES] == first[:PHONE_BYTES]:
            if get(phone_list_key(phone, list_id)) is not None:
                duplicates.append(index)
                continue
            elsewhere.append(index)
            if skip_elsewhere:
                continue
        seen.add(phone)
        if contact.others:
            others = _unknown(unit, list_id, contact.others, seen)
            known += len(contact.others) - len(others)
            contact = msgspec.structs.replace(contact, others=others)  # noqa: PLW2901
        fresh.append((index, contact))
    return _SortedOut(fresh, duplicates, elsewhere, known)


def _unknown(
    unit: Unit, list_id: int, others: Sequence[OtherPhone], seen: set[int]
) -> tuple[OtherPhone, ...]:
    """Those further numbers of a person that nobody of the list has; now they are seen."""
    found = []
    for one in others[: NUMBERS_MAX - 1]:
        if not 0 < one.phone <= PHONE_MAX:
            raise StoreError(f"{one.phone} is no E.164 number")
        stands = unit.t.phones.get(phone_list_key(one.phone, list_id)) is not None
        if one.phone not in seen and not stands:
            seen.add(one.phone)
            found.append(one)
    return tuple(found)


def _append(unit: Unit, people: ContactList, fresh: Sequence[tuple[int, Contact]]) -> None:
    """Behind the last row."""
    if people.size + len(fresh) > LIST_SIZE_MAX:
        raise StoreError(f"a list holds at most {LIST_SIZE_MAX} people")
    list_id = people.list_id
    rows = []
    numbered = []
    columns = dict.fromkeys(people.columns)
    shapes = {people.columns}
    most = people.numbers_max
    for row, (index, contact) in enumerate(fresh, people.size + 1):
        shape = tuple(contact.fields)
        if shape not in shapes:
            shapes.add(shape)
            columns.update(dict.fromkeys(shape))
        value = CONTACT.pack(contact)
        if len(value) > CONTACT_BYTES_MAX:
            raise StoreError(
                f"contact {index}: {len(value)} bytes are more than {CONTACT_BYTES_MAX}"
            )
        rows.append((contact_key(list_id, row), value))
        at = number32(row)
        numbered.append((phone_list_key(contact.phone, list_id), at))
        if contact.others:
            most = max(most, 1 + len(contact.others))
            numbered += [(phone_list_key(one.phone, list_id), at) for one in contact.others]
    if len(columns) > COLUMNS_MAX:
        raise StoreError(f"a list has at most {COLUMNS_MAX} different columns")
    numbered.sort()  # neighbouring numbers share pages
    unit.t.contacts.put_many(rows)
    unit.t.phones.put_many(numbered)
    if rows:
        size = people.size + len(rows)
        grown = msgspec.structs.replace(people, size=size, columns=tuple(columns), numbers_max=most)
        unit.t.lists.put(list_key(list_id), LIST.pack(grown))


def import_mark(unit: Unit, list_id: int, source: str) -> ImportMark | None:
    """How far an import came that did not end."""
    raw = unit.t.imports.get(import_key(list_id, source))
    return None if raw is None else IMPORT.unpack(raw)


def end_import(unit: Unit, list_id: int, source: str) -> None:
    """Forget its mark."""
    unit.t.imports.delete(import_key(list_id, source))


def standing(unit: Unit, list_id: int, phones: Sequence[int]) -> list[tuple[int, bool]]:
    """Of each number: its row in the list or 0, and whether another list holds it."""
    get, seek = unit.t.phones.get, unit.t.phones.seek
    found = []
    for phone in phones:
        key = phone_list_key(phone, list_id)
        raw = get(key)
        first = seek(phone_list_key(phone, 0))
        if first == key:
            first = seek(key + b"\0")
        found.append(
            (0 if raw is None else read_u32(raw), first[:PHONE_BYTES] == key[:PHONE_BYTES])
        )
    return found
