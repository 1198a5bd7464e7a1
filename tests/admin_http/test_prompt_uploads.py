"""Recordings that would do harm: refused with a reason, in bounds, and nothing of them is kept."""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.admin_http.site import Site, site
from tests.shell.audio_files import speechlike, wav

LONG_S = 660  # ten minutes are taken


def silence(kind: str, seconds: int = LONG_S, *coded: str) -> bytes:
    """So much of it by ffmpeg, as small as the format makes it."""
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t",
               str(seconds), *coded, "-f", kind, "-"]  # fmt: skip
    return subprocess.run(command, check=True, timeout=120, capture_output=True).stdout


def packed() -> bytes:
    """A zip archive of a recording."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", wav(bytes(1 << 20)))
    return out.getvalue()


SOUND = wav(speechlike(0.5).tobytes())
LONGER = "longer than 600 s"
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "much FLAC": (lambda: silence("flac", LONG_S, "-frame_size", "16384"), LONGER),
    "much Ogg": (lambda: silence("ogg", LONG_S, "-c:a", "flac", "-frame_size", "16384"), LONGER),
    "much MP3": (lambda: silence("mp3", 2, "-b:a", "8k", "-write_xing", "0") * LONG_S, LONGER),
    "an archive": (packed, "not audio"),
    "a FLAC without its sound": (lambda: b"fLaC\x00\x00\x00\x22" + b"\xff" * 34, "no"),
}


async def left(s: Site, folder: Path) -> list[str]:
    """What is there of uploads and prompts, on the disk and by the API."""
    kept = list((folder / "data" / "admin" / "uploads").glob("**/*"))
    kept += [path for path in (folder / "data" / "prompts").glob("**/*") if path.is_file()]
    status, found = await s.ask("GET", "/v1/prompts")
    assert status == 200
    return [str(path.relative_to(folder)) for path in kept] + [x["name"] for x in found["items"]]


async def test_recordings_that_would_do_harm(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for name, (made, says) in REFUSED.items():
            path, audio = (
                f"/v1/prompts?name={name.replace(' ', '-')}",
                {"Content-Type": "audio/flac"},
            )
            status, problem = await s.ask("POST", path, made(), headers=audio)
            assert (status, re.search(says, problem["detail"]) is not None) == (422, True), (
                name,
                problem,
            )
            assert str(tmp_path) not in problem["detail"], "no path of ours"
            assert await left(s, tmp_path) == []


async def test_names_and_types_that_are_none_are_refused_before_the_body(tmp_path: Path) -> None:
    octets = {"Content-Type": "audio/wav"}
    async with site(tmp_path) as s:
        for query, headers, data, status in (
            ("name=..%2Fx", octets, SOUND, 400),
            ("name=%2Fetc%2Fx", octets, SOUND, 400),
            ("name=a%00", octets, SOUND, 400),
            ("name=a&file=..%2F..%2Fetc%2Fpasswd", octets, SOUND, 400),
            ("name=a&file=a%0d%0aX:%20y", octets, SOUND, 400),
            ("name=a&lang=vi%0a", octets, SOUND, 400),
            ("name=a", {"Content-Type": "text/html"}, SOUND, 415),
            ("name=a", {**octets, "Content-Encoding": "gzip"}, gzip.compress(SOUND), 415),
            ("name=a", octets, b"", 422),
        ):
            assert (await s.ask("POST", f"/v1/prompts?{query}", data, headers=headers))[0] == status
        assert await left(s, tmp_path) == []
        status, made = await s.ask("POST", "/v1/prompts?name=a&file=-rf.wav", SOUND, headers=octets)
        assert (status, made["file"], made["seconds"]) == (201, "-rf.wav", 0.5)
        assert len(await left(s, tmp_path)) == 2, "the prompt, by the disk and by the API"
