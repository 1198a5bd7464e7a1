"""What the store keeps of lists of people, and of the lists that a campaign calls.

As in `dialerd.core.records`: fields are only appended.
"""

from __future__ import annotations

from enum import StrEnum

from dialerd.core.record import Fields, Record


class ContactList(Record):
    """An imported list of people. `columns` names every field of its contacts, first seen first.

    `numbers_max` is how many numbers any of them has at most. Nobody is added from `closed_ms` on.
    """

    list_id: int
    name: str
    created_ms: int
    size: int = 0
    columns: tuple[str, ...] = ()
    numbers_max: int = 1
    closed_ms: int = 0  # 0: open


class OtherPhone(Record):
    """A further number of a person, and the column that holds the text it was made from."""

    phone: int
    carrier: str = ""
    column: str = ""


class Contact(Record):
    """One row of a list: the number as E.164, the text it was made from, and every other column.

    `others` are the person's further numbers, in the order in which they are tried.
    """

    phone: int
    original: str
    carrier: str = ""
    fields: Fields = {}  # noqa: RUF012 - a Struct copies it
    others: tuple[OtherPhone, ...] = ()


class ImportMark(Record):
    """How far an import of a source into a list has come.

    `digest` and `options` stand for the source's bytes and for how they are read: an import goes on
    only where both are the same. Rows of the source up to `rows` are settled; the first person was
    added behind row `size` of the list.
    """

    source: str
    digest: bytes
    options: bytes
    rows: int
    size: int
    begun_ms: int


class ListMix(StrEnum):
    """How the people of several lists are called, where all of them are due."""

    SHARES = "shares"  # side by side, by the weights of their lists
    ORDER = "order"  # nobody of a list before all of the lists before it


class Newcomers(StrEnum):
    """What becomes of people who come into a campaign's lists after its approval."""

    LEAVE = "leave"  # another campaign may call them
    CALL = "call"  # they are called too, while it is not over
    AWAIT = "await"  # and it is not over because everybody was called: more may come


class ListShare(Record):
    """One of several lists of a campaign; the weight is its share."""

    list_id: int
    weight: int = 1


class AudiencePart(Record):
    """What of an audience came from one list: its rows up to `size` are the leads behind `before`.

    `people` are those of them who became leads: the others stand in a list before it. Of those who
    came after the approval its rows behind the row `behind`; as many leads as `room` are its own.
    """

    list_id: int
    before: int
    size: int
    people: int = 0
    behind: int = 0
    room: int = 0  # 0: as many as it has

    def lead(self, row: int) -> int:
        """The lead that a row of it is."""
        return self.before + row - self.behind

    def holds(self, row: int) -> bool:
        """Whether a row of its list is one of its own."""
        return self.behind < row <= self.size
