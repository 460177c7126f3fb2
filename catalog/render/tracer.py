"""Which ray tracer draws: Mitsuba's LLVM variant with a library that works, else the scalar one.

Dr.Jit loads the first LLVM it finds, yet some versions end the process at the first kernel that they cannot
translate (LLVM 15: "Cannot select: fminimum"). So each library found is tried, newest first, on a scene with every
kind of material, in a process of its own.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import re
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from visionseek.errors import SettingsError

LLVM, SCALAR = "llvm_ad_rgb", "scalar_rgb"
VARIANTS = (LLVM, SCALAR)
OLDEST = 15  # Dr.Jit takes none before: it needs opaque pointers
MOST_TRIALS = 4
TRIAL_SECONDS = 120.0
_PLACES = (
    f"{sys.prefix}/lib",
    "/usr/local/lib",
    "/usr/lib/*-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/lib/llvm-*/lib",
    "/usr/lib64/llvm*/lib*",
    "/opt/homebrew/opt/llvm*/lib",
    "/usr/local/opt/llvm*/lib",
)
_NAME = re.compile(r"^libLLVM(?:-(\d+))?[\d.]*\.(?:so|dylib)(?:\.(\d+))?")


@dataclass(frozen=True)
class Tracer:
    """What draws the pictures.

    Attributes:
        variant: of Mitsuba.
        llvm: path of the LLVM library; empty for the one that Dr.Jit finds itself, or for none.
        tried: LLVM libraries that did not work.
        asked: the variant was named in `MITSUBA_VARIANT`.
    """

    variant: str
    llvm: str = ""
    tried: tuple[str, ...] = ()
    asked: bool = False

    @property
    def notice(self) -> str:
        """What a person should know about the choice; empty where there is nothing to say."""
        if self.variant != SCALAR or self.asked:
            return ""
        found = (
            f"of the LLVM libraries here none works ({', '.join(self.tried)})"
            if self.tried
            else "no LLVM library"
        )
        return (
            f"{found}: the scalar ray tracer draws, which takes about twice as long. "
            "On Debian the package libllvm19 helps: apt-get install libllvm19"
        )


@functools.lru_cache(maxsize=1)
def tracer() -> Tracer:
    """The choice for this machine; `MITSUBA_VARIANT` and `DRJIT_LIBLLVM_PATH` are obeyed.

    Raises:
        SettingsError: `MITSUBA_VARIANT` is no variant that draws these pictures.
    """
    return choose(os.environ)


def choose(environment: Mapping[str, str]) -> Tracer:
    """`tracer()` under these environment variables.

    Raises:
        SettingsError: `MITSUBA_VARIANT` is no variant that draws these pictures, or asks for LLVM where none works.
    """
    asked = environment.get("MITSUBA_VARIANT", "")
    if asked and asked not in VARIANTS:
        raise SettingsError(
            f"{asked!r} is no variant that draws the catalog",
            where="MITSUBA_VARIANT",
            mend=f"set it to one of {', '.join(VARIANTS)}, or unset it",
        )
    if asked == SCALAR:
        return Tracer(SCALAR, asked=True)
    named = environment.get("DRJIT_LIBLLVM_PATH", "")
    tried: list[str] = []
    for path in [named] if named else [str(path) for path in libraries()] or [""]:
        if works(path):
            return Tracer(LLVM, path, tuple(tried), bool(asked))
        if path:
            tried.append(path)
    if asked:
        raise SettingsError(
            f"{LLVM} is asked for, and no LLVM library works ({', '.join(tried) or 'none was found'})",
            where="MITSUBA_VARIANT",
            mend="install one (on Debian: apt-get install libllvm19), or unset the variable",
        )
    return Tracer(SCALAR, tried=tuple(tried))


def libraries(places: tuple[str, ...] = _PLACES) -> list[Path]:
    """The LLVM libraries of this machine that may do, newest first, a few at most.

    Args:
        places: folders, with wildcards.
    """
    found: dict[Path, int] = {}
    for place in places:
        for path in Path("/").glob(f"{place.lstrip('/')}/libLLVM*"):
            name = _NAME.match(path.name)
            if name and path.is_file():
                version = int(name[1] or name[2] or 0)
                real = path.resolve()
                found[real] = max(version, found.get(real, 0))
    fit = [path for path, version in found.items() if version >= OLDEST]
    return sorted(fit, key=lambda path: (-found[path], str(path)))[:MOST_TRIALS]


def works(llvm: str) -> bool:
    """Whether the LLVM variant draws with this library; a broken one may end the process that tries it."""
    process = multiprocessing.get_context("spawn").Process(target=_trial, args=(llvm,), daemon=True)
    process.start()
    process.join(TRIAL_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def _trial(llvm: str) -> None:
    """Draw one small picture; what LLVM prints when it gives up is nobody's business."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    from catalog.render.renderer import Renderer  # noqa: PLC0415 -- lazy: it imports this module
    from catalog.render.trial import trial_scene  # noqa: PLC0415

    picture = Renderer(Tracer(LLVM, llvm)).draw(trial_scene(), 16, 2, 1)
    if picture.std() < 1:
        raise SystemExit("a picture of nothing")
