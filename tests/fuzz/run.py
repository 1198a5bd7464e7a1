"""libFuzzer over the target that FUZZ_TARGET names; the arguments are libFuzzer's.

`.ci/fuzz` builds what this needs and starts it.
"""

from __future__ import annotations

import os
import sys

import atheris

with atheris.instrument_imports(include=["sip"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Until it has done its runs, or found something."""
    atheris.Setup(sys.argv, TARGETS[os.environ["FUZZ_TARGET"]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
