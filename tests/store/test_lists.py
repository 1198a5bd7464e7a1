"""Lists, contacts, duplicates."""

from __future__ import annotations

import pytest

from dialerd.core.ports import ConflictError, NotFoundError, StoreError
from dialerd.core.records import Contact
from dialerd.store import wait
from tests.store.kit import FIRST, NOW, filled_list, people


def test_lists_by_name_and_age(store):
    first = wait(store.create_list("khách hàng", NOW))
    second = wait(store.create_list("b", NOW + 1))
    assert store.lists() == [first, second]
    assert store.find_list("khách hàng") == first
    assert first.list_id != second.list_id


def test_a_taken_name_and_an_unknown_one(store):
    wait(store.create_list("a", NOW))
    with pytest.raises(ConflictError, match="'a' already"):
        wait(store.create_list("a", NOW))
    with pytest.raises(NotFoundError, match="no list named 'zz'"):
        store.find_list("zz")
    assert len(store.lists()) == 1


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x\0", "đ" * 300])
def test_names_that_cannot_be(store, name):
    with pytest.raises(StoreError, match="name needs"):
        wait(store.create_list(name, NOW))
    with pytest.raises(NotFoundError):
        store.find_list(name)


def test_duplicates_in_the_batch_and_in_the_list(store):
    list_id = filled_list(store, "a", people(3))
    found = wait(store.add_contacts(list_id, [*people(5), people(5)[4]]))
    assert (found.added, found.duplicates) == (2, (0, 1, 2, 5))
    assert store.find_list("a").size == 5


def test_the_same_number_in_two_lists_is_no_duplicate(store):
    filled_list(store, "a", people(3))
    assert wait(store.add_contacts(filled_list(store, "b", []), people(3))).added == 3


def test_many_steps_keep_order_and_indexes(store):
    count = 9_001  # more than two steps
    list_id = filled_list(store, "a", people(1, FIRST + 8_500))
    found = wait(store.add_contacts(list_id, people(count)))
    assert (found.added, found.duplicates) == (count - 1, (8_500,))
    assert store.find_list("a").size == count


@pytest.mark.parametrize("phone", [0, -1, 10**15])
def test_a_phone_that_is_none_leaves_the_batch_out(store, phone):
    list_id = filled_list(store, "a", [])
    with pytest.raises(StoreError, match="contact 2"):
        wait(store.add_contacts(list_id, [*people(2), Contact(phone, "x")]))
    assert store.find_list("a").size == 0


def test_a_row_too_large(store):
    list_id = filled_list(store, "a", [])
    with pytest.raises(StoreError, match=r"contact 0: .* bytes"):
        wait(store.add_contacts(list_id, [Contact(FIRST, "x", "", {"note": "y" * 70_000})]))


def test_contacts_of_an_unknown_list(store):
    for list_id in (7, 0, -3, 1 << 40):
        with pytest.raises(NotFoundError):
            wait(store.add_contacts(list_id, people(1)))
