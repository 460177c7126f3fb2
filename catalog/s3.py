"""S3: feeds and pictures read from buckets, and a bucket as the picture store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cache
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from catalog.feeds.extras import needs
from catalog.gathering import Fetched
from catalog.pictures import relative_name
from visionseek.errors import ArtifactError, FetchRefused, ImageTooLarge, InputError, NotFound, Unavailable
from visionseek.files import sha256_bytes


@cache
def client() -> Any:
    """The S3 client, configured as every AWS tool is; AWS_ENDPOINT_URL leads to other servers.

    Raises:
        SettingsError: boto3 is not installed.
    """
    with needs("boto3", "feeds", "S3"):
        import boto3  # noqa: PLC0415 -- an extra
        from botocore.config import Config  # noqa: PLC0415
    config = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"})
    return boto3.client("s3", config=config)


def split(address: str) -> tuple[str, str]:
    """Bucket and key of an `s3://bucket/key` address.

    Raises:
        FetchRefused: it names no bucket or no key.
    """
    parts = urlsplit(address)
    key = unquote(parts.path.lstrip("/"))
    if parts.scheme.lower() != "s3" or not parts.netloc or not key or "@" in parts.netloc:
        raise FetchRefused("not an s3://bucket/key address", where=address)
    return parts.netloc, key


def download(address: str, file: IO[bytes]) -> None:
    """Write an object into `file`.

    Raises:
        NotFound: no such object or bucket.
        Unavailable: S3 does not answer, or not to these credentials.
    """
    bucket, key = split(address)
    _call(address, lambda s3: s3.download_fileobj(bucket, key, file))


class Objects:
    """Reads pictures from buckets."""

    def __init__(self, *, max_bytes: int) -> None:
        """Nothing larger than `max_bytes`."""
        self._max_bytes = max_bytes

    async def __call__(self, address: str, etag: str | None, last_modified: str | None) -> Fetched:
        """The bytes of an object, or word that its ETag is the same as before."""
        del last_modified
        return await asyncio.to_thread(self._read, address, etag)

    def _read(self, address: str, etag: str | None) -> Fetched:
        bucket, key = split(address)
        head = _call(address, lambda s3: s3.head_object(Bucket=bucket, Key=key))
        if etag is not None and head["ETag"] == etag:
            return Fetched(None, etag)
        if head["ContentLength"] > self._max_bytes:
            raise ImageTooLarge(f"{head['ContentLength']:,} bytes are above the limit of {self._max_bytes:,}")
        found = _call(
            address, lambda s3: s3.get_object(Bucket=bucket, Key=key, IfMatch=head["ETag"])["Body"].read()
        )
        return Fetched(found, head["ETag"])


class S3Pictures:
    """The picture store in a bucket: one object a content, named by its sha256."""

    def __init__(self, address: str) -> None:
        """Keep pictures under `s3://bucket/prefix`."""
        self._bucket, prefix = split(address.rstrip("/") + "/pictures")
        self._prefix = prefix

    def _key(self, sha256: str) -> str:
        return f"{self._prefix}/{relative_name(sha256)}"

    def address(self, sha256: str) -> str:
        """The s3:// address, as a feed's link may say it."""
        return f"s3://{self._bucket}/{self._key(sha256)}"

    def put(self, data: bytes) -> str:
        """Keep `data`; S3 has it durably when this returns."""
        sha256 = sha256_bytes(data)
        if not self.has(sha256):
            key = self._key(sha256)
            _call(key, lambda s3: s3.put_object(Bucket=self._bucket, Key=key, Body=data))
        return sha256

    def stage(self, data: bytes) -> str:
        """The same as `put`: an object is whole and durable, or not there."""
        return self.put(data)

    def settle(self, digests: Iterable[str]) -> None:
        """Nothing is left to do."""

    def get(self, sha256: str) -> bytes:
        """The bytes of a picture.

        Raises:
            NotFound: no such picture.
            ArtifactError: the object does not hold what its name says.
            Unavailable: S3 does not answer.
        """
        key = self._key(sha256)
        found: bytes = _call(key, lambda s3: s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        if sha256_bytes(found) != sha256:
            raise ArtifactError(
                "a stored picture is damaged",
                where=self.address(sha256),
                mend="delete the object and import the feed again",
            )
        return found

    def has(self, sha256: str) -> bool:
        """Whether the picture is here."""
        key = self._key(sha256)
        try:
            _call(key, lambda s3: s3.head_object(Bucket=self._bucket, Key=key))
        except NotFound:
            return False
        return True


def _call(address: str, act: Any) -> Any:
    s3 = client()
    from botocore import exceptions  # noqa: PLC0415 -- `client` has said where it comes from

    try:
        return act(s3)
    except exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}:
            raise NotFound("no such object", where=address) from error
        if code in {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}:
            raise InputError(f"S3 refuses these credentials: {code}", where=address) from error
        raise Unavailable(f"S3 answers {code}", where=address) from error
    except (exceptions.BotoCoreError, OSError) as error:
        raise Unavailable(
            f"S3 does not answer: {error}", where=address, mend="check credentials and region"
        ) from error
