"""What the media engine takes of memory: nothing for a packet, little for a stream.

A process of its own counts, with a few lines of C before the allocator (count_blocks.c).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import tree
from tests.fastpath.count_blocks import PACKETS, WORK
from tests.ports import media_ports

HERE = Path(__file__).resolve().parent
CALL_BYTES_MAX = 8192


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All counts, made once."""
    library = tmp_path_factory.mktemp("counter") / "count_blocks.so"
    subprocess.run(
        ["gcc", "-O2", "-Werror", "-shared", "-fPIC", "-o", library, HERE / "count_blocks.c"],
        check=True,
    )
    settings = {"LD_PRELOAD": str(library), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.fastpath.count_blocks", *map(str, media_ports())],
        cwd=tree.ROOT, env=os.environ | settings, timeout=200, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_packet_allocates_nothing(counted: dict[str, Any]) -> None:
    """With prompts, keys, tones, recording, echo, bridge, room, reports and SRTP at once."""
    found = counted["packets"]
    talking = 2 * len(WORK) - 2  # two peers of a bridge say nothing
    assert found["frames"] >= talking * PACKETS * 0.9
    assert found["received"] >= talking * PACKETS
    assert found["blocks"] == 0


def test_the_counter_counts(counted: dict[str, Any]) -> None:
    """A count of nothing proves nothing."""
    assert counted["thread"] >= 3
    assert counted["memory"]["recorded"] >= 256 * 176, "its ring has 256 entries of 176 bytes"


def test_a_call_takes_little_beside_its_socket(counted: dict[str, Any]) -> None:
    memory = counted["memory"]
    assert memory["stream"] > 1000
    call = memory["stream"] + memory["tones heard"]
    assert call + memory["bridge"] / 2 <= CALL_BYTES_MAX
    assert call + memory["SRTP"] / 2 <= CALL_BYTES_MAX


def test_a_call_that_is_listened_to_takes_ten_kib_more(counted: dict[str, Any]) -> None:
    """While it rings, and until it is known who answered; announcements take most of it."""
    memory = counted["memory"]
    assert memory["tones heard"] < memory["who answered"] < memory["tones heard"] + 10_240
