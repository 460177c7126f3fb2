"""A checkpoint from the model hub: a pinned commit, and only the files that are needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from training.jina_clip import checkpoint
from training.jina_clip.config import FILE_NAME
from visionseek.errors import CheckpointError, Unavailable

# What was checked; a branch could change under us. The first is abbreviated as its page shows it.
REVISIONS: Final = {
    "jinaai/jina-clip-v1": "76ee958",
    "jinaai/jina-clip-v2": "e10d47f5691d0454a0fb5d13f46f2199b74cb436",
}
_WEIGHTS = re.compile(r"model(?:-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json")


def download(name: str, revision: str | None, companions: tuple[str, ...]) -> Path:
    """Return the folder of hub id `name` in the download cache, filling it where it is not whole yet.

    Args:
        name: such as `jinaai/jina-clip-v1`.
        revision: a commit; the built-in one of the published checkpoints if None.
        companions: files beside the weights that are wanted where they exist.

    Raises:
        CheckpointError: no revision given or known, or the hub has no such checkpoint.
        Unavailable: the hub cannot be reached and the checkpoint is not cached.
    """
    from huggingface_hub import errors  # noqa: PLC0415 -- only a hub id needs it

    revision = revision or REVISIONS.get(name)
    if revision is None:
        raise CheckpointError(
            "no such folder, and as an id on the model hub it needs a revision",
            where=name,
            mend="give the commit to download, so that the weights cannot change under you",
        )
    cached = _cached(name, revision)
    if cached is not None:
        return cached
    try:
        return _fetch(name, revision, companions)
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise CheckpointError(
            f"the model hub has no such files at revision {revision}", where=name
        ) from error
    except Exception as error:
        # The library's own errors share no base with those of its HTTP client, which has changed before.
        raise Unavailable(
            f"no folder here, revision {revision} is not cached, and the model hub cannot be reached",
            where=name,
            mend=f"where there is a network: hf download {name} --revision {revision} --local-dir FOLDER; "
            "then give that folder",
        ) from error


def _cached(name: str, revision: str) -> Path | None:
    from huggingface_hub import constants  # noqa: PLC0415

    snapshots = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "snapshots"
    for folder in sorted(snapshots.glob("*")):
        # Another program may have fetched the weights alone.
        if not folder.name.startswith(revision) or not (folder / FILE_NAME).is_file():
            continue
        try:
            checkpoint.find_weights(folder)
        except CheckpointError:
            continue
        return folder
    return None


def _fetch(name: str, revision: str, companions: tuple[str, ...]) -> Path:
    from huggingface_hub import HfApi, hf_hub_download  # noqa: PLC0415
    from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError  # noqa: PLC0415

    api = HfApi()
    try:
        info = api.model_info(name, revision=revision)
    except RevisionNotFoundError:  # an abbreviation that the hub does not complete
        commits = [commit.commit_id for commit in api.list_repo_commits(name)]
        whole = next((commit for commit in commits if commit.startswith(revision)), None)
        if whole is None:
            raise
        info = api.model_info(name, revision=whole)
    there = {sibling.rfilename for sibling in info.siblings or ()}
    weights = sorted(file for file in there if _WEIGHTS.fullmatch(file))
    if not weights:
        raise EntryNotFoundError(f"no {checkpoint.WEIGHTS}")
    # Weights last: a cache that holds them holds everything.
    for file in (FILE_NAME, *(file for file in companions if file in there), *weights):
        local = Path(hf_hub_download(name, file, revision=info.sha))
    return local.parent
