"""Commands of `dialerd` in the process of the test, which saves them a start of their own."""

from __future__ import annotations

import contextlib
import io

from dialerd.cli.main import run


def dialerd(*words: object, code: int = 0) -> str:
    """What a command prints, or says on standard error where it is to fail with `code`."""
    said, wrong = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(said, "utf-8")  # some commands write bytes
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(wrong):
        found = run([str(word) for word in words])
    assert found == code, wrong.getvalue()
    out.flush()
    return wrong.getvalue() if code else said.getvalue().decode()
