"""Keys between two programs of ours, by each way: pressed once, heard once, in order."""

from __future__ import annotations

import pytest

from tests.interop.listening import called, listening

KEYS = "159#*0"


@pytest.mark.parametrize(
    ("caller", "callee", "way"),
    [
        ("auto", "auto", "rfc4733"),
        ("inband", "inband", "inband"),
        ("info", "info", "info"),
        ("inband", "auto", "inband"),  # no events agreed on: tones are made and listened for
    ],
)
def test_keys_arrive(caller: str, callee: str, way: str) -> None:
    with listening("--calls", "1", "--dtmf", callee) as us:
        code, _, _ = called(f"sip:x@127.0.0.1:{us.port}", "--dtmf", caller, "--digits", KEYS)
        us.finish()
    heard = [line["detail"] for line in us.lines if line.get("event") == "digit"]
    assert code == 0
    assert heard == [f"{key} ({way})" for key in KEYS]
    assert us.calls()[0]["digits"] == KEYS


def test_a_call_that_hears_tones_only_hears_no_info() -> None:
    with listening("--calls", "1", "--dtmf", "inband") as us:
        called(f"sip:x@127.0.0.1:{us.port}", "--dtmf", "info", "--digits", KEYS)
        us.finish()
    assert us.calls()[0]["digits"] == ""
