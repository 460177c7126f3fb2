"""Which picture store the settings name: a folder, or a bucket that many machines share."""

from __future__ import annotations

from catalog.pictures import Pictures, PictureStore
from visionseek.settings import Settings


def open_pictures(settings: Settings) -> Pictures:
    """The picture store: `picture_store` of the settings, else the folder `pictures` in the data folder.

    Raises:
        SettingsError: a bucket is named, and boto3 is not installed.
    """
    if settings.picture_store is None:
        return PictureStore(settings.pictures)
    from catalog.s3 import S3Pictures, client  # noqa: PLC0415 -- boto3 is an extra, and slow to import

    client()
    return S3Pictures(settings.picture_store)


def local_copy(settings: Settings, sha256: str) -> None:
    """Bring a picture from the bucket into the folder `pictures`, for those who read files; once.

    Raises:
        NotFound: the store does not have it.
        Unavailable: the bucket does not answer.
        ArtifactError: it cannot be kept here, or is damaged.
    """
    here = PictureStore(settings.pictures)
    if settings.picture_store is not None and not here.has(sha256):
        here.put(open_pictures(settings).get(sha256))
