"""The life of an index, told to any model server: one test body for the fake and for Triton."""

from __future__ import annotations

import asyncio

import pytest

from search.pointer import read_pointer
from tests.support.search_world import World, fingerprint_of, flip_byte
from visionseek.errors import (
    FingerprintMismatch,
    InputError,
    ManifestError,
    ModelNotServed,
    Unavailable,
)


class IndexLife:
    """Needs a fixture `world`: an empty `World` with 12 products, encoder versions to be added."""

    async def test_every_picture_finds_its_own_product_first(self, world: World) -> None:
        world.add_encoder(1)
        pointer = await world.refresh(1, shards=2)
        assert pointer.images == 12
        assert len(pointer.shards) == 2
        answers = await asyncio.gather(*(world.search(number) for number in range(12)))
        for number, answer in enumerate(answers):
            assert answer.candidates[0].image_id == world.image_id(number)
            assert answer.candidates[0].score == pytest.approx(1.0, abs=1e-4)
            assert answer.coverage.full
            assert answer.generation == pointer.generation
            assert set(answer.timings) == {"encode", "shards", "merge"}

    async def test_the_merge_over_shards_is_the_order_of_one_shard(self, world: World) -> None:
        world.add_encoder(1)
        await world.refresh(1, shards=1)
        alone = await world.search(5, k=12)
        await world.refresh(1, shards=2)
        spread = await world.search(5, k=12)
        assert [c.image_id for c in spread.candidates] == [c.image_id for c in alone.candidates]
        assert len(spread.candidates) == 12

    async def test_a_filter_is_applied_inside_the_search(self, world: World) -> None:
        world.add_encoder(1)
        await world.refresh(1)
        ids = {image.id for image, product in world.catalog if product.metal == "platinum"}
        answer = await world.search(0, k=12, filter={"metal": "platinum"})
        assert {c.image_id for c in answer.candidates} == ids
        with pytest.raises(InputError):
            await world.search(0, filter={"no such column": 1})

    async def test_publish_and_rollback_switch_encoder_and_shards_together(self, world: World) -> None:
        world.add_encoder(1)
        first = await world.refresh(1, shards=1)
        world.add_encoder(2)
        second = await world.refresh(2, shards=2, also=first)
        assert (await world.search(1)).fingerprint == fingerprint_of(2)
        back = await world.publisher().rollback()
        assert back.generation == first.generation
        answer = await world.search(1)
        assert (answer.generation, answer.fingerprint) == (first.generation, fingerprint_of(1))
        assert answer.candidates[0].image_id == world.image_id(1)
        with pytest.raises(InputError, match="none before it"):
            await world.publisher().rollback()
        again = await world.publisher().rollback(to=second.generation)
        assert (await world.search(1)).generation == again.generation == second.generation

    async def test_the_last_two_generations_are_kept_and_older_ones_retired(self, world: World) -> None:
        world.add_encoder(1)
        first = await world.refresh(1, shards=2)
        await world.refresh(1, shards=1)
        await world.refresh(1, shards=1)
        assert not await world.server.model_ready("catalog_shard_00", first.generation, deadline_s=5)
        assert not await world.server.model_ready("catalog_shard_01", first.generation, deadline_s=5)
        assert not (world.repository / "catalog_shard_01").exists()
        with pytest.raises(Exception, match="no generation 1"):
            await world.publisher().rollback(to=1)

    async def test_a_damaged_shard_is_refused_and_the_old_generation_serves_on(self, world: World) -> None:
        world.add_encoder(1)
        before = await world.refresh(1)
        built = world.build(1)
        folder = world.index / "generations" / str(built.generation) / "catalog_shard_01"
        for name in ("index.faiss", "vectors.npy", "image_ids.npy", "columns.json"):
            flip_byte(folder / name)
            with pytest.raises(ManifestError, match=r"catalog_shard_01.*sha256"):
                await world.publisher().publish()
            flip_byte(folder / name)
        assert read_pointer(world.index) == before
        assert (await world.search(3)).generation == before.generation

    async def test_an_index_of_another_encoder_is_refused_with_the_mend(self, world: World) -> None:
        world.add_encoder(1)
        before = await world.refresh(1)
        built = world.build(1)
        config = world.repository / "vision_encoder" / "config.pbtxt"
        config.write_text(config.read_text().replace(fingerprint_of(1), fingerprint_of(9)))
        await world.server.load("vision_encoder", deadline_s=60)
        with pytest.raises(FingerprintMismatch, match="visionseek index refresh"):
            await world.publisher().publish(built.generation)
        with pytest.raises(FingerprintMismatch, match="visionseek index refresh"):
            await world.search(1)
        assert read_pointer(world.index) == before

    async def test_a_version_that_is_not_served_says_so(self, world: World) -> None:
        world.add_encoder(1)
        pointer = await world.refresh(1)
        await world.server.unload("catalog_shard_00", deadline_s=30)
        answer = await world.search(2, k=12)
        assert (answer.coverage.shards, answer.coverage.answered) == (2, 1)
        assert len(answer.candidates) == pointer.shards[1].images
        with pytest.raises(Unavailable, match="1 of 2 shards answered; catalog_shard_00"):
            await world.search(2, require_full_coverage=True)
        await world.server.unload("catalog_shard_01", deadline_s=30)
        with pytest.raises(Unavailable, match="none of 2 shards answered"):
            await world.search(2)
        with pytest.raises(ModelNotServed):
            await world.server.config("catalog_shard_01", deadline_s=5)
