"""Encoder versions in the model repository."""

from __future__ import annotations

from pathlib import Path

from search.pointer import EncoderVersion
from visionseek.errors import FingerprintMismatch, ManifestError, NotFound
from visionseek.manifests import EncoderManifest, read_manifest
from visionseek.pixels import PIXEL_VERSION

MODEL = "vision_encoder"


def encoder_version(repository: Path, version: int | None = None, *, model: str = MODEL) -> EncoderVersion:
    """One version of an encoder as its manifest says; the newest where none is named.

    Raises:
        NotFound: no such version.
        ManifestError: its manifest is damaged, or is that of a text encoder.
        FingerprintMismatch: it was made for another version of the pixel path.
    """
    folder = repository / model
    versions = _versions(folder)
    if not versions or (version is not None and version not in versions):
        wanted = f"version {version} of {model}" if version is not None else model
        has = ", ".join(map(str, versions)) or "none"
        raise NotFound(
            f"there is no {wanted} in the model repository (versions: {has})",
            where=str(repository),
            mend="visionseek up seeds it; visionseek export adds versions",
        )
    number = versions[-1] if version is None else version
    manifest = read_manifest(EncoderManifest, folder / str(number))
    where = str(folder / str(number))
    if manifest.image_size is None:
        raise ManifestError("it has no image size, so it takes no pictures", where=where)
    if manifest.pixel_version != PIXEL_VERSION:
        raise FingerprintMismatch(
            f"it was made for pixel path {manifest.pixel_version}, this is {PIXEL_VERSION}",
            where=where,
            mend="visionseek export",
        )
    return EncoderVersion(
        model=model,
        version=number,
        fingerprint=manifest.fingerprint,
        image_size=manifest.image_size,
        pixel_rule=manifest.pixel_rule,
        pixel_version=manifest.pixel_version,
        dimension=manifest.dimension,
    )


def _versions(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdigit())
