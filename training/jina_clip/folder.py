"""The folder of a checkpoint: found or downloaded, with its licence and the files beside the weights."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path
from typing import Final

from training.jina_clip.config import FILE_NAME, JinaCLIPConfig
from training.jina_clip.hub import download
from visionseek.errors import CheckpointError
from visionseek.files import write_atomically

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
COMPANIONS: Final = (
    "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "vocab.txt", "README.md", "LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE",
)  # fmt: skip

PUBLISHED_LICENCE: Final = {"v1": "Apache-2.0", "v2": "CC-BY-NC-4.0"}
_SPDX: Final = {name.lower(): name for name in ("Apache-2.0", "CC-BY-NC-4.0", "MIT", "CC-BY-4.0")}
NON_COMMERCIAL: Final = (
    "CC-BY-NC-4.0: these weights and what is made from them may not be used commercially; "
    "name Jina AI as the author, and ask Jina AI for a commercial licence"
)


def resolve(source: str | Path, revision: str | None = None) -> Path:
    """Return the folder of a checkpoint, downloading the needed files of a hub id.

    Raises:
        CheckpointError: no such folder, or no such id or revision on the hub.
        Unavailable: the hub cannot be reached and nothing is cached.
    """
    path = Path(source)
    if path.is_dir():
        return path
    name = str(source)
    if path.exists() or isinstance(source, Path) or not _HUB_ID.fullmatch(name) or name.startswith("."):
        what = "is a file; give the folder that it is in" if path.exists() else "no such folder"
        raise CheckpointError(what, where=name)
    return download(name, revision, COMPANIONS)


def read_licence(path: Path) -> str | None:
    """Return the licence that the checkpoint's README states in its front matter, or None."""
    try:
        text = (path / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    front = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
    stated = re.search(r"^licen[sc]e:\s*['\"]?([\w.+-]+)", front[1], re.MULTILINE) if front else None
    return _SPDX.get(stated[1].lower(), stated[1]) if stated else None


def licence_notice(path: Path, config: JinaCLIPConfig) -> tuple[int, str]:
    """Return a log level and a line about the licence; non-commercial terms are a warning."""
    stated = read_licence(path)
    licence = stated or PUBLISHED_LICENCE[config.family]
    if licence == "CC-BY-NC-4.0":
        return logging.WARNING, f"{path}: {NON_COMMERCIAL}"
    origin = "" if stated else f" (not stated here; that of the published {config.family})"
    return logging.INFO, f"{path}: licence of the weights {licence}{origin}"


def copy_companions(source: Path | None, target: Path) -> None:
    """Copy the files beside the weights from where a model was loaded to where it is saved."""
    if source is None or not source.is_dir() or source.resolve() == target.resolve():
        return
    for name in COMPANIONS:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def write_config(config: JinaCLIPConfig, target: Path) -> None:
    """Write `config.json`."""
    text = json.dumps(config.to_dict(), indent=2, ensure_ascii=False)
    write_atomically(target / FILE_NAME, (text + "\n").encode())
