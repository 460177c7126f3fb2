from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from search.fake import InProcessModelServer
from tests.support.search_world import World
from visionseek.errors import NotFound, Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server(tmp_path: Path) -> InProcessModelServer:
    return InProcessModelServer(tmp_path / "model_repository")


@pytest.fixture
def world(tmp_path: Path, server: InProcessModelServer) -> World:
    world = World(tmp_path, server)
    world.add_products(50)
    world.add_encoder(1)
    return world


async def test_a_second_run_embeds_only_what_is_new(world: World, server: InProcessModelServer) -> None:
    first = await world.embed(1)
    assert (first.images, first.pictures, first.kept, first.embedded) == (50, 50, 0, 50)
    server.calls.clear()
    again = await world.embed(1)
    assert (again.kept, again.embedded, server.calls) == (50, 0, [])
    world.add_products(3)
    more = await world.embed(1)
    assert (more.kept, more.embedded) == (50, 3)


async def test_a_picture_that_two_products_show_is_embedded_once(world: World) -> None:
    image, product = world.catalog[0]
    world.catalog.append((type(image)(id=1, product_id="twin", sha256=image.sha256), product))
    report = await world.embed(1)
    assert (report.images, report.pictures, report.embedded) == (51, 50, 50)


async def test_unreadable_pictures_are_reported_by_product_and_left_out(world: World) -> None:
    world.spoil_picture("P007")
    world.spoil_picture("P031")
    report = await world.embed(1)
    assert report.embedded == 48
    assert {(u.product_id, u.reason) for u in report.unreadable} == {
        ("P007", "not a picture"),
        ("P031", "not a picture"),
    }
    built = world.build(1, shards=3)
    assert (built.images, built.without_embedding) == (48, 2)


async def test_another_encoder_starts_anew_and_keeps_the_old_embeddings(world: World) -> None:
    await world.embed(1)
    world.add_encoder(2)
    assert (await world.embed(2)).embedded == 50
    assert len(world.store(1)) == len(world.store(2)) == 50


class DiesAfter(InProcessModelServer):
    """Answers so many batches, then no more."""

    def __init__(self, repository: Path, batches: int) -> None:
        super().__init__(repository)
        self.left = batches

    async def infer(
        self,
        model: str,
        version: int,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        *,
        deadline_s: float,
        parameters: Mapping[str, str | int | bool] | None = None,
    ) -> dict[str, NDArray[Any]]:
        self.left -= 1
        self.down = self.left < 0
        return await super().infer(
            model, version, inputs, outputs, deadline_s=deadline_s, parameters=parameters
        )


async def test_when_triton_dies_in_the_middle_the_embedded_part_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.embed._PAUSES_S", (0.0, 0.0))
    world.server = dying = DiesAfter(world.repository, batches=2)
    with pytest.raises(Unavailable):
        await world.embed(1)
    kept = len(world.store(1))
    assert 0 < kept < 50
    dying.left, dying.down = 100, False
    report = await world.embed(1)
    assert (report.kept, report.embedded) == (kept, 50 - kept)


async def test_an_encoder_that_comes_back_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.embed._PAUSES_S", (0.0, 0.0))

    class Stumbles(DiesAfter):
        async def infer(self, *words: Any, **options: Any) -> dict[str, NDArray[Any]]:
            try:
                return await super().infer(*words, **options)
            except Unavailable:
                self.left = 100
                raise

    world.server = Stumbles(world.repository, batches=1)
    assert (await world.embed(1)).embedded == 50


async def test_nothing_to_build_says_what_to_do(world: World) -> None:
    with pytest.raises(NotFound, match="visionseek index embed"):
        world.build(1)
    world.catalog.clear()
    with pytest.raises(NotFound, match="visionseek catalog import"):
        world.build(1)
