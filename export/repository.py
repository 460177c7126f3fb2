"""Publish encoder versions into a Triton model repository; no half version is ever visible."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionseek.errors import ArtifactError, ManifestError, Overloaded
from visionseek.files import write_atomically
from visionseek.manifests import EncoderManifest, read_manifest

_CONFIG = """\
# Written by `visionseek export`. Read alike by NVIDIA's ONNX Runtime backend and by backends/onnxruntime.
name: "{name}"
backend: "onnxruntime"
max_batch_size: {max_batch}
input [ {{ name: "pixels" data_type: TYPE_UINT8 dims: [ {size}, {size}, 3 ] }} ]
output [ {{ name: "embedding" data_type: TYPE_FP32 dims: [ {dimension} ] }} ]
version_policy: {{ latest {{ num_versions: {keep} }} }}
# One instance a device: batching fills it, and on a CPU a second one would fight for the same cores.
instance_group [ {{ count: 1 kind: KIND_AUTO }} ]
dynamic_batching {{ max_queue_delay_microseconds: 2000 }}
model_warmup [ {{
  name: "one picture" batch_size: 1
  inputs {{ key: "pixels" value: {{ data_type: TYPE_UINT8 dims: [ {size}, {size}, 3 ] zero_data: true }} }}
}} ]
# What each version is: a client reads these through Triton and refuses an index of another fingerprint.
{parameters}"""

MAX_BATCH = 32
VERSIONS_SERVED = 2
_STAGED = ".staged-"


@contextmanager
def staged_version(repository: Path, model: str) -> Iterator[Path]:
    """Give a hidden folder beside the versions of `model`; it is removed again unless it was published.

    One export at a time works on a model; the kernel lets go when the process ends, however it ends, and what
    a killed one left behind is removed by the next.

    Raises:
        Overloaded: another export of this model is running.
        OSError: the disk refused.
    """
    home = repository / model
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Overloaded(
                f"another export of `{model}` is running", where=str(home), mend="wait until it ends"
            ) from None
        for leftover in home.glob(f"{_STAGED}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        stage = Path(tempfile.mkdtemp(dir=home, prefix=_STAGED))
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def publish_version(repository: Path, model: str, stage: Path) -> int:
    """Turn the folder of `staged_version` (`model.onnx`, `manifest.json`) into the next version of `model`.

    `config.pbtxt` names the new version's fingerprint before the folder appears, by one rename: a version that
    is seen is whole, on the disk, and described. One that has the same fingerprint already is not published
    twice.

    Returns:
        The version's number.

    Raises:
        ArtifactError: the model serves another image size or dimension; Triton fixes both per model name.
        ManifestError: a manifest in the repository or the stage cannot be read.
        OSError: the disk refused; the versions before are untouched.
    """
    manifest = read_manifest(EncoderManifest, stage)
    home = repository / model
    published = versions(repository, model)
    for number, known in published.items():
        if (known.image_size, known.dimension) != (manifest.image_size, manifest.dimension):
            raise ArtifactError(
                f"`{model}` version {number} takes {known.image_size} px and gives {known.dimension} "
                f"dimensions; this encoder takes {manifest.image_size} px and gives {manifest.dimension}",
                where=str(home),
                mend=f"publish under a name of its own: --model {model}_{manifest.image_size}",
            )
        if known.fingerprint == manifest.fingerprint:
            write_config(home, model, published)
            return number
    number = max(published, default=0) + 1
    write_config(home, model, {**published, number: manifest})
    stage.chmod(0o755)
    for entry in [*stage.iterdir(), stage]:
        sync(entry)
    stage.rename(home / str(number))
    sync(home)
    return number


def versions(repository: Path, model: str) -> dict[int, EncoderManifest]:
    """Published versions of `model` and their manifests, oldest first."""
    home = repository / model
    if not home.is_dir():
        return {}
    numbers = sorted(int(path.name) for path in home.iterdir() if re.fullmatch(r"[1-9]\d*", path.name))
    return {number: read_manifest(EncoderManifest, home / str(number)) for number in numbers}


def write_config(home: Path, model: str, published: dict[int, EncoderManifest]) -> None:
    """Write `config.pbtxt` for these versions, atomically."""
    newest = published[max(published)]
    if newest.image_size is None:
        raise ManifestError(f"`{model}` has no image size", where=str(home))
    parameters = "".join(
        f'parameters {{ key: "fingerprint.{number}" value {{ string_value: "{manifest.fingerprint}" }} }}\n'
        for number, manifest in sorted(published.items())
    )
    text = _CONFIG.format(
        name=model,
        max_batch=MAX_BATCH,
        size=newest.image_size,
        dimension=newest.dimension,
        keep=VERSIONS_SERVED,
        parameters=parameters,
    )
    write_atomically(home / "config.pbtxt", text.encode())


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
