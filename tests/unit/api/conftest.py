"""A running API on a loopback port, over a model server inside the process and a catalog of drawn rings."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image, ImageDraw

from api.app import create_app
from api.parts import Parts
from catalog.posting import Posted
from catalog.single import Outcome
from search.fake import InProcessModelServer, encode, projection
from search.model_server import Vectors
from search.pointer import EncoderVersion, Pointer, ShardVersion, write_pointer
from search.searcher import Searcher
from visionseek.errors import NotFound
from visionseek.files import sha256_bytes, sha256_file
from visionseek.manifests import EncoderManifest, write_manifest
from visionseek.pixels import PIXEL_VERSION, load_image
from visionseek.settings import Settings
from visionseek.vocabulary import Product, ProductImage

FINGERPRINT = hashlib.sha256(b"the encoder of these tests").hexdigest()
SIZE, DIMENSION, PRODUCTS, VIEWS, SHARDS = 64, 32, 16, 2, 2
CATEGORIES = ("ring", "necklace", "earrings", "bracelet")


def draw(number: int, view: int = 0, size: tuple[int, int] = (240, 240)) -> Image.Image:
    """A piece of jewelry, as far as the encoder of these tests is concerned."""
    chance = np.random.default_rng(1000 + number)
    picture = Image.new("RGB", size, (250, 250, 248))
    pen = ImageDraw.Draw(picture)
    width, height = size
    for _ in range(5):
        x, y = chance.random(2) * 0.7
        w, h = 0.15 + chance.random(2) * 0.35
        colour = tuple(int(c) for c in chance.integers(0, 255, 3))
        box = (x * width + view * 6, y * height, (x + w) * width, (y + h) * height)
        pen.ellipse(box, fill=colour)
    return picture


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    return saved(picture, "JPEG", quality=92, **options)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


GOOD_PICTURE = jpeg(draw(2))


class DrawnCatalog:
    """`api.parts.Catalog` over a dictionary."""

    def __init__(self, products: Collection[Product]) -> None:
        self.by_id = {product.id: product for product in products}
        self.delay_s = 0.0

    def products(self, ids: Collection[str]) -> dict[str, Product]:
        return {name: self.by_id[name] for name in ids if name in self.by_id}

    def products_by_image(self, image_ids: Collection[int]) -> dict[int, Product]:
        time.sleep(self.delay_s)
        wanted = set(image_ids)
        return {i.id: p for p in self.by_id.values() for i in p.images if i.id in wanted}

    def all_products(self) -> Iterator[Product]:
        yield from self.by_id.values()

    def counts(self) -> dict[str, int]:
        return {"products": len(self.by_id), "images": sum(len(p.images) for p in self.by_id.values())}


class DrawnPictures:
    """`api.parts.Pictures` over a dictionary."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        digest = sha256_bytes(data)
        self.stored[digest] = data
        return digest

    def get(self, sha256: str) -> bytes:
        if sha256 not in self.stored:
            raise NotFound("no such picture", where="the drawn pictures")
        return self.stored[sha256]


class NoWriter:
    """`api.parts.Writer` for tests that write nothing."""

    async def put(self, fields: Mapping[str, Any], pictures: Sequence[bytes]) -> Outcome:
        raise NotImplementedError

    def delete(self, product_id: str) -> None:
        raise NotImplementedError

    def import_feed(self, path: Path, **options: Any) -> Posted:
        raise NotImplementedError


@dataclass
class World:
    """Everything behind the API."""

    server: InProcessModelServer
    catalog: DrawnCatalog
    pictures: DrawnPictures
    index: Path

    def parts(self) -> Parts:
        return Parts(Searcher(self.index, self.server), self.catalog, self.pictures, NoWriter())


def build_world(root: Path) -> World:
    pictures = DrawnPictures()
    products = []
    rows: list[tuple[int, bytes, Product]] = []
    for number in range(PRODUCTS):
        name = f"ring/{number}" if number == 3 else f"ring-{number}"
        images = []
        for view in range(VIEWS):
            data = jpeg(draw(number, view))
            image_id = int(hashlib.sha256(f"{name} {view}".encode()).hexdigest()[:15], 16)
            images.append(ProductImage(image_id, name, pictures.put(data), view))
        product = Product(
            name,
            f"Drawn ring {number}",
            category=CATEGORIES[number % 4],
            price=Decimal("129.90") + number,
            currency="EUR",
            metal="yellow gold" if number % 2 else "platinum",
            url="javascript:alert(1)" if number == 5 else f"https://shop.example/{number}",
            in_stock=number != 7,
            images=tuple(images),
        )
        products.append(product)
        rows += [(image.id, pictures.get(image.sha256), product) for image in images]
    repository, index = root / "model_repository", root / "index"
    index.mkdir()
    matrix = projection(FINGERPRINT, DIMENSION)
    vectors = [encode(load_image(data, SIZE, alpha="over-white")[None], matrix)[0] for _, data, _ in rows]
    _write_encoder(repository)
    for shard in range(SHARDS):
        mine = range(shard, len(rows), SHARDS)
        _write_shard(repository, shard, np.array([vectors[i] for i in mine]), [rows[i] for i in mine])
    server = InProcessModelServer(repository)
    for model in ["vision_encoder", *(f"catalog_shard_{n:02}" for n in range(SHARDS))]:
        asyncio.run(server.load(model, deadline_s=5))
    encoder = EncoderVersion(
        version=1,
        fingerprint=FINGERPRINT,
        image_size=SIZE,
        pixel_rule="shortest-crop",
        pixel_version=PIXEL_VERSION,
        dimension=DIMENSION,
    )
    shards = tuple(
        ShardVersion(model=f"catalog_shard_{n:02}", version=1, images=len(rows) // SHARDS)
        for n in range(SHARDS)
    )
    write_pointer(
        index, Pointer(generation=1, encoder=encoder, shards=shards, created="2026-01-01T00:00:00Z")
    )
    return World(server, DrawnCatalog(products), pictures, index)


def _write_encoder(repository: Path) -> None:
    folder = repository / "vision_encoder"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(
        f'parameters {{ key: "fingerprint.1" value: {{ string_value: "{FINGERPRINT}" }} }}\n'
    )
    manifest = EncoderManifest(
        fingerprint=FINGERPRINT,
        dimension=DIMENSION,
        image_size=SIZE,
        pixel_rule="shortest-crop",
        pixel_version=PIXEL_VERSION,
        base="drawn",
        adapter=None,
        licence="Apache-2.0",
        parity={},
    )
    write_manifest(manifest, folder / "1")


def _write_shard(
    repository: Path, number: int, vectors: Vectors, rows: list[tuple[int, bytes, Product]]
) -> None:
    folder = repository / f"catalog_shard_{number:02}"
    version = folder / "1"
    version.mkdir(parents=True)
    (folder / "config.pbtxt").write_text("version_policy: { latest { num_versions: 2 } }\n")
    np.save(version / "vectors.npy", vectors)
    np.save(version / "image_ids.npy", np.array([row[0] for row in rows], np.int64))
    columns = {
        "metal": [row[2].metal for row in rows],
        "price": [float(row[2].price or 0) for row in rows],
        "category": [row[2].category for row in rows],
    }
    (version / "columns.json").write_text(json.dumps(columns))
    files = {path.name: sha256_file(path) for path in version.iterdir()}
    (version / "manifest.json").write_text(json.dumps({"files": files}))


@dataclass
class Running:
    """A running API: where it is, a client of it, and what stands behind it."""

    url: str
    port: int
    http: httpx.Client
    world: World

    def search(self, picture: bytes, **fields: object) -> httpx.Response:
        data = {name: str(value) for name, value in fields.items()}
        return self.http.post("/v1/search", files={"image": ("query.jpg", picture)}, data=data)

    def works(self) -> bool:
        """Whether the next good request is answered as if nothing had happened."""
        answer = self.search(GOOD_PICTURE, k=1)
        return bool(answer.status_code == 200 and answer.json()["hits"][0]["product_id"] == "ring-2")


@contextmanager
def running(world: World, settings: Settings) -> Iterator[Running]:
    app = create_app(settings, lambda _: world.parts())
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        assert server.started
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=20) as client:
            yield Running(url, port, client, world)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def module_api(world: World) -> Iterator[Running]:
    with running(world, Settings()) as api:
        yield api


@pytest.fixture
def api(module_api: Running) -> Iterator[Running]:
    """The shared API, with everything behind it in order again afterwards."""
    yield module_api
    module_api.world.server.down = False
    module_api.world.server.delays.clear()
    module_api.world.catalog.delay_s = 0.0


Start = Callable[..., Running]


@pytest.fixture
def start(world: World) -> Iterator[Start]:
    """Start an API of its own with these settings."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running(world, Settings(**settings)))
