"""What an exception means to the person at the terminal: an exit code and a text."""

from __future__ import annotations

from dialerd.cli.main import CONFIG, FAILED, UNREACHABLE
from dialerd.control.io_client import UnreachableError
from dialerd.core.control import ControlError
from dialerd.core.ports import StoreError
from dialerd.core.prompts_view import PromptError
from dialerd.toml_load import TomlError


class FailedError(Exception):
    """A command that cannot do what it was asked; the text is for the user."""


def describe(error: BaseException) -> tuple[int, str]:
    """Exit code and text; never a traceback."""
    match error:
        case TomlError():
            return CONFIG, str(error)
        case UnreachableError():
            return UNREACHABLE, f"error: {error.text}"
        case ControlError():
            return FAILED, _control(error)
        case FailedError() | StoreError() | PromptError():
            return FAILED, f"error: {error}"
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return FAILED, f"error: {where}{error.strerror or error}"
        case MemoryError():
            return FAILED, "error: out of memory"
        case _:
            kind = type(error).__name__
            return FAILED, f"error: {kind}: {error} (DIALERD_DEBUG=1 shows where)"


def _control(error: ControlError) -> str:
    text = f"error: {error.text}"
    if len(error.faults) > 1:
        lines = [f"  {fault.pointer or '/'}: {fault.detail}" for fault in error.faults]
        text = "\n".join(["error: the daemon refuses the request", *lines])
    if error.allowed and "allowed now" not in error.text:
        text += f"\n  allowed now: {', '.join(error.allowed)}"
    return text
