"""Slots by folders of links: names, order, hot plug, renumbering, odd entries."""

from __future__ import annotations

import os
from pathlib import Path

from gsm.io_slots import SLOTS_MAX, Place, SlotRule, look, places


def rule(folder: Path) -> SlotRule:
    return SlotRule(f"{folder}/pci-usb-0:*:1.2-port0", f"{folder}/pci-usb-0:*:1.1-port0")


def plug(folder: Path, slot: str, device: str) -> Path:
    link = folder / f"pci-usb-0:{slot}:1.2-port0"
    link.unlink(missing_ok=True)
    link.symlink_to(device)
    return link


def test_slots_in_their_order_with_their_audio_devices(tmp_path: Path) -> None:
    for slot in ("1.10", "1.9", "1.1", "2.1"):
        plug(tmp_path, slot, "/dev/null")
    (tmp_path / "pci-usb-0:1.9:1.1-port0").symlink_to("/dev/null")
    (tmp_path / "unrelated").touch()
    found = places(rule(tmp_path))
    assert [place.slot for place in found] == ["1.1", "1.9", "1.10", "2.1"]
    assert found[1] == Place(
        "1.9", f"{tmp_path}/pci-usb-0:1.9:1.2-port0", f"{tmp_path}/pci-usb-0:1.9:1.1-port0"
    )


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert places(rule(tmp_path / "by-path")) == []


def test_one_device_by_its_name(tmp_path: Path) -> None:
    at = tmp_path / "modem0"
    assert places(SlotRule(str(at))) == []
    at.touch()
    assert places(SlotRule(str(at))) == [Place("modem0", str(at), "")]


def test_unplugged_and_plugged_in_under_another_number(tmp_path: Path) -> None:
    for name in ("ttyUSB2", "ttyUSB7"):
        (tmp_path / name).touch()
    link = plug(tmp_path, "1.1", "ttyUSB2")
    first = look(str(link))
    assert first is not None
    assert first.device == str(tmp_path / "ttyUSB2")
    link.unlink()
    assert look(str(link)) is None
    plug(tmp_path, "1.1", "ttyUSB7")
    second = look(str(link))
    assert second is not None
    assert second.device == str(tmp_path / "ttyUSB7")
    (tmp_path / "ttyUSB7").rename(tmp_path / "old")  # keeps the inode in use
    (tmp_path / "ttyUSB7").touch()
    third = look(str(link))
    assert third is not None
    assert third.device == second.device
    assert third != second  # the same name, another device


def test_a_link_that_leads_nowhere_or_in_circles(tmp_path: Path) -> None:
    assert look(str(plug(tmp_path, "1.1", "gone"))) is None
    link = plug(tmp_path, "1.2", "pci-usb-0:1.2:1.2-port0")
    assert look(str(link)) is None
    assert len(places(rule(tmp_path))) == 2


def test_names_that_are_not_for_a_terminal_are_passed_over(tmp_path: Path) -> None:
    plug(tmp_path, "1\n2", "/dev/null")
    plug(tmp_path, "\x1b[2J", "/dev/null")
    plug(tmp_path, "", "/dev/null")
    assert places(rule(tmp_path)) == []


def test_a_bound_on_slots(tmp_path: Path) -> None:
    for n in range(SLOTS_MAX + 5):
        os.symlink("/dev/null", tmp_path / f"pci-usb-0:{n}:1.2-port0")
    found = places(rule(tmp_path))
    assert len(found) == SLOTS_MAX
    assert found[-1].slot == str(SLOTS_MAX - 1)
