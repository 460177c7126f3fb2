"""What things are: the `manifest.json` beside every artifact that one stage hands to the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from visionseek.errors import ManifestError
from visionseek.files import write_atomically

FILE_NAME = "manifest.json"


class Manifest(BaseModel):
    """Base of all manifests: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderManifest(Manifest):
    """Beside every version of `vision_encoder` and `text_encoder`.

    Attributes:
        fingerprint: sha256 over graph, weights and pixel rule; embeddings of two fingerprints never mix.
        dimension: D of `embedding` [B, D].
        image_size: S of `pixels` [B, S, S, 3]; None for a text encoder.
        pixel_rule: how pictures become squares, `shortest-crop` or `pad`.
        pixel_version: version of the decode path that made the training pictures.
        base: the checkpoint that it was made from.
        adapter: the LoRA adapter merged into it, or None.
        licence: SPDX name of the weights' licence.
        parity: figures of the export's parity gate, such as the least cosine to PyTorch.
    """

    fingerprint: str
    dimension: int
    image_size: int | None
    pixel_rule: str
    pixel_version: int
    base: str
    adapter: str | None
    licence: str
    parity: dict[str, float]


AnyManifest = TypeVar("AnyManifest", bound=Manifest)


def read_manifest(kind: type[AnyManifest], folder: Path) -> AnyManifest:
    """Read `folder/manifest.json` as `kind`.

    Raises:
        ManifestError: missing, not JSON, or not of this kind.
    """
    path = folder / FILE_NAME
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ManifestError(f"no {FILE_NAME} in this folder", where=str(folder)) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise ManifestError(f"{kind.__name__} field `{field}`: {first['msg']}", where=str(path)) from error


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write `folder/manifest.json` atomically, keys sorted so that equal manifests are equal bytes."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False)
    write_atomically(folder / FILE_NAME, (text + "\n").encode())
