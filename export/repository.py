"""Publish encoder versions into a Triton model repository; no half version is ever visible."""

from __future__ import annotations

import fcntl
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionseek.errors import ArtifactError, ManifestError
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
dynamic_batching {{ max_queue_delay_microseconds: 2000 }}
model_warmup [ {{
  name: "one picture" batch_size: 1
  inputs {{ key: "pixels" value: {{ data_type: TYPE_UINT8 dims: [ {size}, {size}, 3 ] zero_data: true }} }}
}} ]
# What each version is: a client reads these through Triton and refuses an index of another fingerprint.
{parameters}"""

MAX_BATCH = 32
VERSIONS_SERVED = 2


@contextmanager
def staged_version(repository: Path, model: str) -> Iterator[Path]:
    """Give a hidden folder beside the versions of `model`; it is removed again unless it was published."""
    home = repository / model
    home.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=home, prefix=".staged-"))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def publish_version(repository: Path, model: str, stage: Path) -> int:
    """Turn a staged folder (`model.onnx`, `manifest.json`) into the next version of `model`; give its number.

    The folder appears by one rename, then `config.pbtxt` is replaced by one rename. A version that has the
    same fingerprint already is not published twice.

    Raises:
        ArtifactError: the model serves another image size or dimension; Triton fixes both per model name.
        ManifestError: a manifest in the repository or the stage cannot be read.
    """
    manifest = read_manifest(EncoderManifest, stage)
    home = repository / model
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
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
                return number
        number = max(published, default=0) + 1
        stage.chmod(0o755)
        stage.rename(home / str(number))
        write_config(home, model, {**published, number: manifest})
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
