"""The live model repository: seeded from the shipped one; what the pipeline published stays."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from visionseek.errors import StackError
from visionseek.files import sha256_file, write_atomically
from visionseek.manifests import FILE_NAME

CONFIG = "config.pbtxt"
ENCODERS = ("vision_encoder", "text_encoder")
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model that should serve; `version` is the one that queries will name, None for the latest."""

    name: str
    version: int | None = None


def shipped_repository() -> Path:
    """`model_repository/` beside the packages."""
    return _ROOT / "model_repository"


def shipped_backends() -> Path:
    """`backends/` beside the packages."""
    return _ROOT / "backends"


def seed(shipped: Path, live: Path, memory: Path) -> tuple[str, ...]:
    """Copy shipped version folders into the live repository; each appears whole or not at all.

    A version that is absent is copied. One that an earlier seed copied is replaced when the shipped manifest
    changed. One that the pipeline published under the same number stays.

    Args:
        shipped: the project's `model_repository/`.
        live: the repository that Triton serves; made when absent.
        memory: JSON file that remembers what was seeded: `model/version` to the sha256 of its manifest.

    Returns:
        Lines about versions that were kept although a shipped one of that number differs.

    Raises:
        StackError: the disk refused.
    """
    kept = []
    seeded = _remembered(memory)
    try:
        live.mkdir(parents=True, exist_ok=True)
        for source in _versions(shipped):
            name = f"{source.parent.name}/{source.name}"
            target = live / name
            ships = sha256_file(source / FILE_NAME)
            lives = sha256_file(target / FILE_NAME) if (target / FILE_NAME).is_file() else None
            if lives == ships:
                continue
            if lives is not None and seeded.get(name) != lives:
                kept.append(f"kept {target}: it was published here, and the shipped {name} differs")
                continue
            _copy_config(source, target)
            _replace_folder(source, target)
            seeded[name] = ships
            write_atomically(memory, json.dumps(seeded, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise StackError(f"cannot seed the model repository: {_reason(error)}", where=str(live)) from error
    return tuple(kept)


def wanted_models(live: Path, pointer: Path) -> tuple[WantedModel, ...]:
    """What should serve: the encoders that are there, and what the pointer to the serving generation names.

    Args:
        live: the live repository.
        pointer: `index/current.json`; absent before the first index.

    Raises:
        StackError: the pointer is no JSON of that form.
    """
    wanted = {name: WantedModel(name) for name in ENCODERS if any(_versions(live, name))}
    try:
        current = json.loads(pointer.read_text())
        for named in [current["encoder"], *current["shards"]]:
            wanted[str(named["model"])] = WantedModel(str(named["model"]), int(named["version"]))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StackError(
            f"the pointer to the serving generation is damaged: {error!r}",
            where=str(pointer),
            mend="`visionseek index publish` writes it anew; until then remove it",
        ) from error
    return tuple(wanted.values())


def _reason(error: OSError) -> str:
    """Why, in one line; `shutil.copytree` gathers a list of (from, to, why)."""
    if isinstance(error, shutil.Error):
        return "; ".join(sorted({str(why).partition(":")[0] for _, _, why in error.args[0]}))
    return error.strerror or str(error)


def _versions(repository: Path, model: str = "*") -> Iterator[Path]:
    """Version folders with a manifest, in the order of names and numbers."""
    found = (p.parent for p in repository.glob(f"{model}/[1-9]*/{FILE_NAME}") if p.parent.name.isdigit())
    yield from sorted(found, key=lambda p: (p.parent.name, int(p.name)))


def _remembered(memory: Path) -> dict[str, str]:
    try:
        return dict(json.loads(memory.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _copy_config(source: Path, target: Path) -> None:
    """Bring the model's config along: a new one where none is, else only this version's fingerprint in it."""
    shipped, live = source.parent / CONFIG, target.parent / CONFIG
    others = [p for p in target.parent.glob("[1-9]*") if p.is_dir() and p.name != target.name]
    if not (live.is_file() and others):
        write_atomically(live, shipped.read_bytes())
        return
    # Other versions were published here, and the config names the fingerprint of each.
    old, new = _fingerprint(target), _fingerprint(source)
    if old and new:
        write_atomically(live, live.read_text().replace(old, new).encode())


def _fingerprint(version: Path) -> str | None:
    try:
        return str(json.loads((version / FILE_NAME).read_text())["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _replace_folder(source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".seed-") as name:
        shutil.copytree(source, Path(name) / "new")
        if target.exists():
            target.rename(Path(name) / "old")
        (Path(name) / "new").rename(target)
