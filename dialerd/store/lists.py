"""Lists of people and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dialerd.core.ports import ConflictError, ContactsAdded, NotFoundError, StoreError
from dialerd.core.records import Contact, ContactList
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
    LIST,
    contact_key,
    list_key,
    number32,
    phone_list_key,
    read_u32,
)
from dialerd.store.unit import More, Unit

NOTHING_ADDED: Final = ContactsAdded(0, ())


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


def add_contacts(
    unit: Unit,
    list_id: int,
    contacts: Sequence[Contact],
    offset: int = 0,
    done: ContactsAdded = NOTHING_ADDED,
) -> ContactsAdded | More:
    """Append people, one step of rows per transaction.

    A crash between steps leaves whole steps in the list; adding the same people again then finds
    those as duplicates.
    """
    step = contacts[offset : offset + STEP_ROWS]
    added, duplicates = _add_step(unit, get_list(unit, list_id), step)
    done = ContactsAdded(
        done.added + added, done.duplicates + tuple(offset + index for index in duplicates)
    )
    offset += len(step)
    if offset >= len(contacts):
        return done
    return More(lambda later: add_contacts(later, list_id, contacts, offset, done))


def _add_step(
    unit: Unit, people: ContactList, contacts: Sequence[Contact]
) -> tuple[int, list[int]]:
    if people.size + len(contacts) > LIST_SIZE_MAX:
        raise StoreError(f"a list holds at most {LIST_SIZE_MAX} people")
    phones, list_id = unit.t.phones, people.list_id
    duplicates: list[int] = []
    fresh: dict[int, int] = {}  # phone -> index, in the order given
    for index, contact in enumerate(contacts):
        phone = contact.phone
        if not 0 < phone <= PHONE_MAX:
            raise StoreError(f"contact {index}: {phone} is no E.164 number")
        if phone in fresh or phones.get(phone_list_key(phone, list_id)) is not None:
            duplicates.append(index)
        else:
            fresh[phone] = index
    rows = []
    numbered = []
    columns = dict.fromkeys(people.columns)
    shapes = {people.columns}
    for row, (phone, index) in enumerate(fresh.items(), people.size + 1):
        contact = contacts[index]
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
        numbered.append((phone_list_key(phone, list_id), number32(row)))
    if len(columns) > COLUMNS_MAX:
        raise StoreError(f"a list has at most {COLUMNS_MAX} different columns")
    numbered.sort()  # neighbouring numbers share pages
    unit.t.contacts.put_many(rows)
    phones.put_many(numbered)
    if fresh:
        size = people.size + len(fresh)
        grown = ContactList(list_id, people.name, people.created_ms, size, tuple(columns))
        unit.t.lists.put(list_key(list_id), LIST.pack(grown))
    return len(fresh), duplicates
