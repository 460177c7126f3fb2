"""S3 against moto's server."""

import csv
import io
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from catalog import s3
from catalog.pictures import PictureStore
from catalog.store import local_copy, open_pictures
from visionseek.errors import ArtifactError, FetchRefused, NotFound, SettingsError
from visionseek.files import sha256_bytes
from visionseek.settings import load_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3.client.cache_clear()
    where = {"LocationConstraint": "eu-central-1"}
    urllib.request.urlopen(
        f"http://{host}:{port}/moto-api/reset", data=b""
    ).close()  # moto keeps state for ever
    s3.client().create_bucket(Bucket="shop", CreateBucketConfiguration=where)
    yield "shop"
    s3.client.cache_clear()
    server.stop()


def test_pictures_are_kept_in_a_bucket(bucket: str) -> None:
    store = s3.S3Pictures(f"s3://{bucket}/store")
    digest = store.put(b"picture")
    assert store.put(b"picture") == digest
    assert (store.has(digest), store.get(digest)) == (True, b"picture")
    assert store.has("0" * 64) is False
    with pytest.raises(NotFound):
        store.get("0" * 64)


def test_a_picture_store_that_is_no_bucket_is_refused() -> None:
    for wrong in ("shop/store", "s3://", "s3://user@shop/store", "https://shop/store"):
        with pytest.raises(SettingsError, match="picture_store"):
            load_settings(picture_store=wrong)


@pytest.mark.parametrize(
    "address", ["s3://", "s3://bucket", "s3://bucket/", "s3://a@b/c", "http://bucket/key"]
)
def test_what_is_no_object_is_refused(address: str) -> None:
    with pytest.raises(FetchRefused):
        s3.split(address)


def test_a_feed_and_its_pictures_come_from_a_bucket_and_stay_in_one(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, feed = io.BytesIO(), io.StringIO()
    Image.new("RGB", (64, 64), "red").save(picture, "PNG")
    rows = [["id", "title", "image_link"], ["1", "Ring", "s3://shop/a.png"], ["2", "Ring", "missing.png"]]
    csv.writer(feed).writerows(rows)
    s3.client().put_object(Bucket=bucket, Key="a.png", Body=picture.getvalue())
    s3.client().put_object(Bucket=bucket, Key="feed.csv", Body=feed.getvalue().encode())
    environment = os.environ | {"VISIONSEEK_DATA": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "visionseek", "catalog", "import", "s3://shop/feed.csv", "--json"]
    for extra, images in (([], 0), (["--allow-s3"], 1)):
        run = subprocess.run(
            [*command, *extra], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        told = json.loads(run.stdout.splitlines()[-1])
        assert (told["accepted"], told["images"], told["broken_images"]) == (2, images, 2 - images)
    kept = environment | {
        "VISIONSEEK_DATA": str(tmp_path / "b"),
        "VISIONSEEK_PICTURE_STORE": "s3://shop/store",
    }
    run = subprocess.run(
        [*command, "--allow-s3"], env=kept, capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(run.stdout.splitlines()[-1])["images"] == 1
    assert not (tmp_path / "b" / "pictures").exists()
    monkeypatch.setenv("VISIONSEEK_DATA", str(tmp_path / "b"))
    settings = load_settings(picture_store="s3://shop/store")
    digest = sha256_bytes(picture.getvalue())
    assert open_pictures(settings).get(digest) == picture.getvalue()
    local_copy(settings, digest)
    assert PictureStore(settings.pictures).get(digest) == picture.getvalue()
    address = open_pictures(settings).address(digest)
    s3.client().put_object(Bucket=bucket, Key=s3.split(address)[1], Body=b"other bytes")
    with pytest.raises(ArtifactError, match="damaged"):
        open_pictures(settings).get(digest)
    missing = subprocess.run(
        [*command[:-2], "s3://shop/none.csv"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert missing.returncode == 1
    assert "no such object" in missing.stderr
