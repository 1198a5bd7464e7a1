"""Builds the Cython extensions; all metadata is in pyproject.toml.

Environment switches:
    DIALERD_TRACE=1     line trace for coverage of Cython code (slow; C beside the pyx)
    DIALERD_SANITIZE=1  AddressSanitizer and UndefinedBehaviorSanitizer (see `make sanitize`)
    DIALERD_FUZZ=1      clang, AddressSanitizer and libFuzzer's coverage (see `make fuzz`; CC=clang)
    DIALERD_NATIVE=1    -march=native; never for a wheel
    DIALERD_BUILT=1     the extensions are in place already: an editable install compiles nothing
"""

from __future__ import annotations

import os
from pathlib import Path

from Cython.Build import cythonize
from Cython.Compiler import Options
from setuptools import Extension, setup

TRACE = os.environ.get("DIALERD_TRACE") == "1"
SANITIZE = os.environ.get("DIALERD_SANITIZE") == "1"
FUZZ = os.environ.get("DIALERD_FUZZ") == "1"
NATIVE = os.environ.get("DIALERD_NATIVE") == "1"
BUILT = os.environ.get("DIALERD_BUILT") == "1"

# A Cython warning stops the build, as a C one does through -Werror.
Options.warning_errors = True

WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
]
COMPILE = ["-fno-semantic-interposition", "-fvisibility=hidden", *WARNINGS]
LINK: list[str] = []
MACROS: list[tuple[str, str | None]] = []
DIRECTIVES: dict[str, object] = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": False,
    "freethreading_compatible": False,
}

if TRACE:
    # Every traced line expands to code whose warnings are Cython's, not ours.
    COMPILE = ["-O0", "-g", "-w"]
    MACROS.append(("CYTHON_TRACE_NOGIL", "1"))
    DIRECTIVES |= {"linetrace": True, "boundscheck": True, "wraparound": True}
elif FUZZ:
    # What gcc warns of in every other build, clang need not repeat. The sanitizer's runtime is
    # preloaded, not linked.
    COMPILE = ["-O1", "-g", "-w", "-fno-omit-frame-pointer", "-fsanitize=address,fuzzer-no-link"]
    DIRECTIVES |= {"boundscheck": True}
elif SANITIZE:
    # Instrumented code makes gcc see unset values where there are none; the plain build warns.
    COMPILE += [
        "-Wno-maybe-uninitialized",
        "-O1",
        "-g",
        "-fno-omit-frame-pointer",
        "-fsanitize=address,undefined",
    ]
    LINK += ["-fsanitize=address,undefined"]
    DIRECTIVES |= {"boundscheck": True}
else:
    COMPILE += ["-O3", "-g1"]
if NATIVE:
    COMPILE.append("-march=native")


def sources(suffix: str) -> list[Path]:
    """Every .pyx, or every .py beside a .pxd that declares its types: it is its own slow twin."""
    found = sorted(p for top in ("fastpath", "sip", "gsm") for p in Path(top).rglob("*" + suffix))
    return [p for p in found if suffix == ".pyx" or p.with_suffix(".pxd").is_file()]


def extensions(suffix: str) -> list[Extension]:
    """One extension per source; C helpers live in the .pyx as verbatim code."""
    return [
        Extension(
            ".".join(p.with_suffix("").parts),
            [str(p)],
            extra_compile_args=COMPILE,
            extra_link_args=LINK,
            define_macros=MACROS,
            libraries=["pthread", "m"],
            depends=["setup.py"],
        )
        for p in sources(suffix)
    ]


def compiled() -> list[Extension]:
    """All of them, as C."""
    options = {
        "build_dir": None if TRACE else "build/cython",
        "nthreads": os.cpu_count() or 1,
        "annotate": False,
        "quiet": True,  # errors and warnings are said all the same
    }
    # A .py keeps Python's meaning. Its annotations are mypy's; what is typed is in its .pxd.
    plain = DIRECTIVES | {
        "annotation_typing": False,
        "boundscheck": True,
        "wraparound": True,
        "cdivision": False,
    }
    return [
        *cythonize(extensions(".pyx"), compiler_directives=DIRECTIVES, **options),
        *cythonize(extensions(".py"), compiler_directives=plain, **options),
    ]


setup(ext_modules=[] if BUILT else compiled())
