"""A small catalog, encoders and an index under one folder, on any model server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from search.build import build
from search.embed import EmbedReport, embed
from search.embeddings import EmbeddingStore
from search.encoder import Encoder
from search.encoders import encoder_version
from search.fake import projection
from search.generations import GenerationManifest, Generations
from search.model_server import ModelServer, Pixels
from search.pointer import Pointer
from search.publish import Publisher, next_generation
from search.searcher import SearchAnswer, Searcher
from search.serving import ensure_encoder
from visionseek.errors import UnsupportedImage
from visionseek.files import sha256_bytes
from visionseek.manifests import EncoderManifest, write_manifest
from visionseek.pixels import PIXEL_VERSION
from visionseek.vocabulary import Product, ProductImage

SIZE, DIMENSION = 64, 32
METALS = ("yellow gold", "white gold", "platinum")


def fingerprint_of(version: int) -> str:
    return sha256_bytes(f"encoder {version}".encode())


class World:
    def __init__(self, root: Path, server: ModelServer, *, onnx: bool = False) -> None:
        self.index, self.repository = root / "index", root / "model_repository"
        self.server = server
        self.catalog: list[tuple[ProductImage, Product]] = []
        self.pictures: dict[str, Pixels] = {}
        self._onnx = onnx
        self.repository.mkdir(parents=True, exist_ok=True)

    def add_products(self, count: int) -> None:
        for number in range(len(self.catalog), len(self.catalog) + count):
            pixels = picture(number)
            sha256 = sha256_bytes(pixels.tobytes())
            image = ProductImage(id=int(sha256[:15], 16), product_id=f"P{number:03d}", sha256=sha256)
            product = Product(
                f"P{number:03d}",
                f"ring {number}",
                category="ring",
                metal=METALS[number % len(METALS)],
                price=Decimal(100 + number),
                currency="USD",
                in_stock=number % 2 == 0,
            )
            self.pictures[sha256] = pixels
            self.catalog.append((image, product))
        self.catalog.sort(key=lambda pair: pair[0].id)

    def spoil_picture(self, product_id: str) -> None:
        image = next(image for image, product in self.catalog if product.id == product_id)
        del self.pictures[image.sha256]

    def add_encoder(
        self, version: int, *, fingerprint: str | None = None, dimension: int = DIMENSION
    ) -> None:
        """Publish an encoder version as the export does: folder by rename, config with its fingerprint."""
        folder = self.repository / "vision_encoder"
        partial = folder / f".partial-{version}"
        partial.mkdir(parents=True)
        manifest = EncoderManifest(
            fingerprint=fingerprint_of(version),
            dimension=DIMENSION,
            image_size=SIZE,
            pixel_rule="pad",
            pixel_version=PIXEL_VERSION,
            base="test",
            adapter=None,
            licence="Apache-2.0",
            parity={},
        )
        write_manifest(manifest, partial)
        if self._onnx:
            from tests.support.onnx_encoder import write_onnx

            write_onnx(partial / "model.onnx", projection(manifest.fingerprint, DIMENSION), SIZE)
        partial.rename(folder / str(version))
        config = folder / "config.pbtxt"
        value = f'{{ string_value: "{manifest.fingerprint}" }}'
        parameter = f'parameters {{ key: "fingerprint.{version}" value {value} }}\n'
        config.write_text((config.read_text() if config.exists() else ENCODER_CONFIG) + parameter)

    def images(self) -> Iterator[tuple[ProductImage, Product]]:
        return iter(self.catalog)

    def store(self, version: int) -> EmbeddingStore:
        encoder = encoder_version(self.repository, version)
        return EmbeddingStore(self.index / "embeddings", encoder.fingerprint, encoder.dimension)

    def load(self, sha256: str) -> Pixels:
        if sha256 not in self.pictures:
            raise UnsupportedImage("not a picture")
        return self.pictures[sha256]

    async def embed(self, version: int, also: Pointer | None = None) -> EmbedReport:
        encoder = encoder_version(self.repository, version)
        serving = [also.encoder] if also else []
        await ensure_encoder(self.server, encoder, self.repository, also=serving, deadline_s=60)
        with ThreadPoolExecutor(2) as executor:
            return await embed(
                self.images(),
                self.load,
                Encoder(self.server, encoder),
                self.store(version),
                executor=executor,
                on_progress=lambda done, total: None,
            )

    def build(self, version: int, shards: int = 2, **options: Any) -> GenerationManifest:
        return build(
            self.images(),
            self.store(version),
            encoder_version(self.repository, version),
            Generations(self.index),
            generation=next_generation(self.index, self.repository),
            shards=shards,
            on_progress=lambda done, total: None,
            **options,
        )

    def publisher(self) -> Publisher:
        return Publisher(self.index, self.repository, [self.server], lambda step: None)

    async def refresh(self, version: int, shards: int = 2, also: Pointer | None = None) -> Pointer:
        await self.embed(version, also)
        self.build(version, shards)
        return await self.publisher().publish()

    async def search(self, number: int, **options: Any) -> SearchAnswer:
        """Ask with the picture of product `number`."""
        asked = {"k": 3, "deadline_s": 10.0, **options}
        return await Searcher(self.index, self.server).search(picture(number), **asked)

    def image_id(self, number: int) -> int:
        return next(image.id for image, product in self.catalog if product.id == f"P{number:03d}")

    def change_product(self, number: int, **changes: Any) -> None:
        self.catalog = [
            (image, replace(product, **changes) if product.id == f"P{number:03d}" else product)
            for image, product in self.catalog
        ]


def picture(number: int) -> Pixels:
    """A picture of coarse coloured squares, different for each number."""
    coarse = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    return coarse.repeat(SIZE // 8, axis=0).repeat(SIZE // 8, axis=1)


def flip_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


ENCODER_CONFIG = f"""\
name: "vision_encoder"
backend: "onnxruntime"
max_batch_size: 32
input [ {{ name: "pixels" data_type: TYPE_UINT8 dims: [ {SIZE}, {SIZE}, 3 ] }} ]
output [ {{ name: "embedding" data_type: TYPE_FP32 dims: [ {DIMENSION} ] }} ]
dynamic_batching {{ }}
version_policy {{ latest {{ num_versions: 2 }} }}
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
"""
