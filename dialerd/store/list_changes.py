"""What people change about lists beside imports: their names, whether they grow, single rows."""

from __future__ import annotations

import msgspec

from dialerd.core.ports import ConflictError, NotFoundError, StoreError
from dialerd.core.records import Contact, ContactList
from dialerd.store.limits import COLUMNS_MAX, CONTACT_BYTES_MAX
from dialerd.store.lists import check_name, get_list
from dialerd.store.schema import CONTACT, LIST, ROW_MAX, contact_key, list_key, number32
from dialerd.store.unit import Unit


def change_list(unit: Unit, list_id: int, name: str | None, at_ms: int | None) -> ContactList:
    """Another name; closed at a moment, 0: open again; None: as it is."""
    found = get_list(unit, list_id)
    if name is not None and name != found.name:
        key = check_name(name, "list")
        if unit.t.list_names.get(key) is not None:
            raise ConflictError(f"there is a list named {name!r} already")
        unit.t.list_names.delete(check_name(found.name, "list"))
        unit.t.list_names.put(key, number32(list_id))
        found = msgspec.structs.replace(found, name=name)
    if at_ms is not None and bool(at_ms) != bool(found.closed_ms):
        found = msgspec.structs.replace(found, closed_ms=at_ms)
    unit.t.lists.put(list_key(list_id), LIST.pack(found))
    return found


def people(unit: Unit, list_id: int, after: int, limit: int) -> list[tuple[int, Contact]]:
    """The next rows of a list behind one, each with its number."""
    get_list(unit, list_id)
    start, stop = contact_key(list_id, min(after, ROW_MAX)) + b"\0", list_key(list_id + 1)
    rows = unit.t.contacts.scan(start, stop, limit)
    return [(int.from_bytes(key[-4:], "big"), CONTACT.unpack(raw)) for key, raw in rows]


def change_person(
    unit: Unit, list_id: int, row: int, fields: dict[str, str], seen: dict[str, str] | None
) -> Contact:
    """Other values of some columns of a row; an empty text takes one away."""
    found = get_list(unit, list_id)
    key = contact_key(list_id, row) if 0 < row <= ROW_MAX else b"\0"
    raw = unit.t.contacts.get(key)
    if raw is None:
        raise NotFoundError(f"list {list_id} has no row {row}")
    contact = CONTACT.unpack(raw)
    if not contact.phone:
        raise ConflictError("this person was erased")
    if seen is not None and contact.fields != seen:
        raise ConflictError("this person was changed meanwhile: read it again")
    values = {name: text for name, text in (contact.fields | fields).items() if text}
    contact = msgspec.structs.replace(contact, fields=values)
    value = CONTACT.pack(contact)
    if len(value) > CONTACT_BYTES_MAX:
        raise StoreError(f"{len(value)} bytes of one person are more than {CONTACT_BYTES_MAX}")
    columns = tuple(dict.fromkeys((*found.columns, *values)))
    if len(columns) > COLUMNS_MAX:
        raise StoreError(f"a list has at most {COLUMNS_MAX} different columns")
    unit.t.contacts.put(key, value)
    if columns != found.columns:
        grown = msgspec.structs.replace(found, columns=columns)
        unit.t.lists.put(list_key(list_id), LIST.pack(grown))
    return contact
