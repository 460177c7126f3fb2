"""Failures on the way to a new generation: the old one serves on, and nothing of the new one is left."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from search.fake import InProcessModelServer
from search.generations import Generations
from search.pointer import read_pointer
from search.publish import Publisher
from tests.support.search_world import World
from visionseek.errors import ArtifactError, InputError, NotFound, Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server(tmp_path: Path) -> InProcessModelServer:
    return InProcessModelServer(tmp_path / "model_repository")


@pytest.fixture
async def world(tmp_path: Path, server: InProcessModelServer, anyio_backend: str) -> World:
    """Generation 1 serves, generation 2 is built with one shard more."""
    world = World(tmp_path, server)
    world.add_products(12)
    world.add_encoder(1)
    await world.refresh(1, shards=2)
    world.build(1, shards=3)
    return world


def tree(world: World) -> dict[str, bytes]:
    files = (path for path in world.repository.rglob("*") if path.is_file())
    return {str(path.relative_to(world.repository)): path.read_bytes() for path in files}


async def assert_refused(
    world: World, publisher: Publisher, error: type[Exception], match: str, *, served: bool = True
) -> None:
    before, pointer = tree(world), read_pointer(world.index)
    with pytest.raises(error, match=match):
        await publisher.publish()
    assert tree(world) == before
    assert read_pointer(world.index) == pointer
    if served:
        answer = await world.search(4)
        assert (answer.generation, answer.coverage.full) == (1, True)


async def test_a_triton_that_is_down_changes_nothing(world: World, server: InProcessModelServer) -> None:
    server.down = True
    await assert_refused(world, world.publisher(), Unavailable, "nothing answers", served=False)


async def test_a_second_triton_that_cannot_load_it_keeps_the_old_one_everywhere(
    world: World, server: InProcessModelServer
) -> None:
    class NoShards(InProcessModelServer):
        async def load(self, model: str, *, deadline_s: float, config: str | None = None) -> None:
            if model == "catalog_shard_02":
                raise Unavailable("out of memory")
            await super().load(model, deadline_s=deadline_s, config=config)

    second = NoShards(world.repository)
    publisher = Publisher(world.index, world.repository, [server, second], lambda step: None)
    await assert_refused(world, publisher, Unavailable, "out of memory")
    assert not await server.model_ready("catalog_shard_02", 2, deadline_s=1)
    assert not await server.model_ready("catalog_shard_00", 2, deadline_s=1)


async def test_a_full_disk_while_placing_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = []

    def full(source: Path, target: Path) -> None:
        placed.append(target)
        if len(placed) == 7:  # in the middle of the second shard
            raise OSError(28, "No space left on device", str(target))
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr("search.repository._link_or_copy", full)
    await assert_refused(world, world.publisher(), ArtifactError, "No space left on device")


async def test_a_full_disk_at_the_flip_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("search.pointer.write_atomically", full)
    await assert_refused(world, world.publisher(), ArtifactError, "No space left on device")


async def test_ctrl_c_during_the_load_changes_nothing(world: World, server: InProcessModelServer) -> None:
    before = tree(world)
    server.delays["catalog_shard_01"] = 0.3
    task = asyncio.create_task(world.publisher().publish())
    await asyncio.sleep(0.15)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.delays.clear()
    assert tree(world) == before
    assert (await world.search(4)).generation == 1


async def test_shards_whose_rows_are_mixed_up_are_not_published(world: World) -> None:
    ids = np.load(Generations(world.index).path(2) / "catalog_shard_00" / "image_ids.npy")

    class Shuffled(InProcessModelServer):
        async def infer(self, model, version, inputs, outputs, **options):  # type: ignore[no-untyped-def]
            answer = await super().infer(model, version, inputs, outputs, **options)
            if (model, version) == ("catalog_shard_00", 2):
                answer["image_ids"] = np.where(answer["image_ids"] == ids[0], ids[1], ids[0])
            return answer

    world.server = shuffled = Shuffled(world.repository)
    for model in ("vision_encoder", "catalog_shard_00", "catalog_shard_01"):
        await shuffled.load(model, deadline_s=5)
    await assert_refused(world, world.publisher(), ArtifactError, "does not find image")


async def test_two_products_with_one_picture_do_not_confuse_the_check(world: World) -> None:
    image, product = world.catalog[0]
    world.catalog = [(type(image)(id=n, product_id=f"T{n}", sha256=image.sha256), product) for n in range(20)]
    world.build(1, shards=2)
    assert (await world.publisher().publish()).images == 20


async def test_a_damaged_pointer_is_mended_by_the_next_publish(world: World) -> None:
    (world.index / "current.json").write_text("{")
    assert (await world.publisher().publish()).generation == 2
    assert (await world.search(1)).generation == 2


async def test_what_cannot_be_published_says_why(world: World) -> None:
    await world.publisher().publish()
    with pytest.raises(InputError, match="generation 2 serves already"):
        await world.publisher().publish()
    with pytest.raises(NotFound, match=r"no generation 77 \(kept: 1, 2\)"):
        await world.publisher().publish(77)
    with pytest.raises(InputError, match="at least 2"):
        await world.publisher().publish(keep=1)
    with pytest.raises(InputError, match="serves already"):
        await world.publisher().rollback(to=2)


async def test_after_a_rollback_the_abandoned_generation_is_not_the_one_before(world: World) -> None:
    await world.publisher().publish()  # 2
    await world.publisher().rollback()  # 1 serves, 2 is abandoned
    world.build(1, shards=1)  # 3
    await world.publisher().publish()
    assert Generations(world.index).numbers() == [1, 3]
    assert (await world.publisher().rollback()).generation == 1
    assert (await world.search(1)).generation == 1


async def test_keep_retains_more(world: World) -> None:
    await world.publisher().publish(keep=4)
    for _ in range(3):
        world.build(1)
        await world.publisher().publish(keep=4)
    assert Generations(world.index).numbers() == [2, 3, 4, 5]
    assert (await world.publisher().rollback(to=2)).generation == 2
    assert (await world.search(1)).coverage.full


ROOT = Path(__file__).parents[3]
# Publishes generation 2 and is killed when it comes to the step: nothing is flushed, nothing is put back.
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from search import publish, repository
from search.fake import InProcessModelServer

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

root, step = Path(sys.argv[1]), sys.argv[2]
places = {"_link_or_copy": repository, "write_atomically": repository, "_prune": publish.Publisher}
setattr(places.get(step, publish), step, die)
server = InProcessModelServer(root / "model_repository")
publisher = publish.Publisher(root / "index", root / "model_repository", [server], lambda _: None)
asyncio.run(publisher.publish())
"""


@pytest.mark.parametrize(
    ("step", "serves"),
    [("_link_or_copy", 1), ("write_atomically", 1), ("_load_all", 1), ("write_pointer", 1), ("_prune", 2)],
)
async def test_a_kill_at_any_step_leaves_a_whole_generation_serving_and_the_next_publish_cleans_up(
    world: World, server: InProcessModelServer, step: str, serves: int
) -> None:
    command = [sys.executable, "-c", KILLED, str(world.index.parent), step]
    ran = await asyncio.to_thread(
        subprocess.run, command, check=False, timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert ran.returncode == -signal.SIGKILL
    pointer = read_pointer(world.index)
    assert pointer is not None
    assert pointer.generation == serves
    for shard in pointer.shards:
        await server.load(shard.model, deadline_s=5)
    assert (await world.search(4)).coverage.full
    world.build(1, shards=2)
    assert (await world.publisher().publish()).generation == 3
    assert (await world.search(4)).generation == 3
    assert not list(world.repository.rglob(".*"))


async def test_halves_that_a_killed_publish_left_are_removed_by_the_next(world: World) -> None:
    shard = world.repository / "catalog_shard_00"
    for name in (".placing-9", ".removed-8"):
        (shard / name).mkdir()
        (shard / name / "index.faiss").write_bytes(b"half")
    (shard / ".config.pbtxt.ab12").write_bytes(b"half")
    await world.publisher().publish()
    assert sorted(path.name for path in shard.iterdir()) == ["1", "2", "config.pbtxt"]
