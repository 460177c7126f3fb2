"""The whole way as a user has it: an imported feed, a published index, Triton and the API as processes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from stack.local import LocalStack
from stack.ports import choose_port
from tests.integration.support.encoder import write_tiny_encoder
from tests.unit.api.conftest import draw, jpeg
from visionseek.settings import load_settings

PRODUCTS = 10
DEADLINE_S = 2.0


@dataclass
class RunningApi:
    """Where the API is, and the stack behind it."""

    stack: LocalStack
    http: httpx.Client
    data: Path

    @property
    def pid(self) -> int:
        api = self.stack.state.api
        assert api is not None
        return api.process.pid

    def search(self, picture: bytes, **fields: object) -> httpx.Response:
        data = {name: str(value) for name, value in fields.items()}
        return self.http.post("/v1/search", files={"image": ("query.jpg", picture)}, data=data)


def visionseek(data: Path, *words: str) -> None:
    """Run the command on a data folder."""
    settings = {"VISIONSEEK_DATA": str(data)}
    command = [sys.executable, "-m", "visionseek", *words]
    ran = subprocess.run(
        command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr


def write_feed(folder: Path) -> Path:
    folder.mkdir()
    with (folder / "feed.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "title", "category", "price", "currency", "metal", "image_link"])
        for number in range(PRODUCTS):
            name = f"{number}.jpg"
            (folder / name).write_bytes(jpeg(draw(number)))
            metal = "yellow gold" if number % 2 else "platinum"
            writer.writerow(
                [f"R{number}", f"Ring {number}", "ring", f"{100 + number}.50", "EUR", metal, name]
            )
    return folder / "feed.csv"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    data = tmp_path_factory.mktemp("api") / "data"
    port = choose_port("127.0.0.1", 0, setting="triton_grpc_port")
    settings = load_settings(data=data, triton_grpc_port=port, query_deadline_ms=int(DEADLINE_S * 1e3))
    write_tiny_encoder(settings.model_repository)
    visionseek(data, "catalog", "import", str(write_feed(data.parent / "feed")))
    stack = LocalStack(settings)
    try:
        stack.start()
        visionseek(data, "index", "refresh")
        with httpx.Client(base_url=stack.api_url, timeout=20) as client:
            yield RunningApi(stack, client, data)
    finally:
        stack.stop()
