"""From a feed to what a run needs: what it learns from, and what it is measured on, apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.jina_clip import Preprocessor
from training.pretrain.pictures import PictureSet, Source, feed_sources, read_pictures
from training.split import require_apart, split_by_family
from training.trained_on import TrainedOn, read_trained_on
from training.tune.held_out import Benchmark, held_out_benchmark
from training.tune.mining import nearest_products, stored_embeddings
from training.tune.recipe import TuneRecipe
from training.tune.shots import Kind, Shots, make_shots
from training.tune.stock import Stock, stock_of
from training.tune.views import of_products
from visionseek import output
from visionseek.errors import InputError
from visionseek.pixels import Rule

_MEASURED_SHOTS: tuple[Kind, ...] = ("region", "whole")


@dataclass(frozen=True, slots=True)
class Material:
    """All that a run needs besides the checkpoint.

    Attributes:
        stock: to learn from.
        benchmark: held-out queries and their gallery.
        families: names of the families that are learned from.
        never: products and families of the evaluation.
        neighbours: nearest products to begin with, or None.
        rule: how pictures became squares.
        known_to_base: held-out products that the checkpoint itself was trained on.
        rate: screenshots made in a second; None where all were in the cache.
    """

    stock: Stock
    benchmark: Benchmark
    families: frozenset[str]
    never: TrainedOn
    neighbours: npt.NDArray[np.int64] | None
    rule: Rule
    known_to_base: int
    rate: float | None


def gather(
    checkpoint: Path,
    feed: Path,
    recipe: TuneRecipe,
    *,
    shots: int,
    held_out: float,
    held_out_feed: Path | None,
    neighbours_from: Path | None,
    cache: Path,
    workers: int,
) -> Material:
    """Read the pictures, part them, make the screenshots.

    Args:
        checkpoint: a folder; its image size and rule are used.
        feed: the catalog to learn from.
        recipe: says which shots are needed.
        shots: screenshots of each picture; 0: none to learn from.
        held_out: share of the families that is measured on.
        held_out_feed: measured on instead.
        neighbours_from: an embedding store of an index, or None.
        cache: keeps the screenshots.
        workers: processes that make them.

    Raises:
        FeedError: no feed, or no readable picture.
        InputError: a side is empty, or a product is on both.
        OSError: the disk refused.
    """
    processor = Preprocessor.from_pretrained(checkpoint)
    sources = feed_sources(feed)
    if held_out_feed is None:
        learn, held = split_by_family(sources, held_out=held_out)
        shown = sources
    else:
        learn, held = sources, feed_sources(held_out_feed)
        shown = [*learn, *held]
    require_apart(learn, held)
    gallery = _read(shown, processor)
    if held_out_feed is not None:
        gallery, learned = _apart(gallery, learn, held)
    else:
        learned, _ = of_products(gallery, {source.product for source in learn})
    if not learned.products:
        raise InputError("not one picture to learn from can be read", where=str(feed))
    kinds = [kind for kind, share in recipe.shot_shares.items() if share > 0]
    made = None
    if shots and recipe.shots_each:
        made = _shots("simulating screenshots", learn, shots, kinds, processor, recipe.seed, cache, workers)
    queries = _shots(
        "held-out screenshots",
        held,
        max(1, shots),
        _MEASURED_SHOTS,
        processor,
        recipe.seed + 1,
        cache,
        workers,
    )
    stock = stock_of(learned, made, learn, kinds)
    never = TrainedOn(frozenset(s.product for s in held), frozenset(s.family for s in held))
    base = read_trained_on(checkpoint)
    known = len(base.products & never.products) if base else 0
    if known:
        output.console.print(
            f"{known} of {len(never.products)} held-out products are known to the checkpoint: its figures before the "
            "tuning are not of products that it never saw",
            soft_wrap=True,
        )
    neighbours = None
    if neighbours_from is not None:
        neighbours = _neighbours(neighbours_from, learn, learned)
    return Material(
        stock=stock,
        benchmark=held_out_benchmark(checkpoint, gallery, held, queries, processor),
        families=frozenset(source.family for source in learn),
        never=never,
        neighbours=neighbours,
        rule=processor.rule,
        known_to_base=known,
        rate=made.rate if made else None,
    )


def _read(sources: Sequence[Source], processor: Preprocessor) -> PictureSet:
    with output.progress() as bar:
        reading = bar.add_task("reading pictures", total=len(sources))
        pictures = read_pictures(
            sources, size=processor.size, rule=processor.rule, on_read=lambda: bar.advance(reading)
        )
    for line in pictures.skipped:
        output.console.print(f"skipped {line}", markup=False, soft_wrap=True)
    return pictures


def _apart(
    both: PictureSet, learn: Sequence[Source], held: Sequence[Source]
) -> tuple[PictureSet, PictureSet]:
    """Two feeds that were read as one: (gallery of the held-out one, pictures to learn from)."""
    gallery, _ = of_products(both, {source.product for source in held})
    learned, _ = of_products(both, {source.product for source in learn})
    if not gallery.products:
        raise InputError("not one picture of the held-out feed can be read")
    return replace(gallery, skipped=both.skipped), learned


def _shots(
    title: str,
    sources: Sequence[Source],
    each: int,
    kinds: Sequence[Kind],
    processor: Preprocessor,
    seed: int,
    cache: Path,
    workers: int,
) -> Shots:
    with output.progress() as bar:
        drawing = bar.add_task(title, total=len(sources) * each)
        shots = make_shots(
            sources,
            each=each,
            kinds=kinds,
            size=processor.size,
            rule=processor.rule,
            seed=seed,
            cache=cache,
            workers=workers,
            on_shot=lambda: bar.advance(drawing),
        )
    if shots.rate is not None:
        output.console.print(f"{title}: {shots.rate:.1f} a second")
    return shots


def _neighbours(folder: Path, learn: Sequence[Source], learned: PictureSet) -> npt.NDArray[np.int64]:
    embeddings, known = stored_embeddings(folder, [source.path for source in learn])
    numbers = {name: number for number, name in enumerate(learned.products)}
    labels = np.array([numbers.get(learn[row].product, -1) for row in known.tolist()])
    there = labels >= 0
    return nearest_products(embeddings[there], labels[there], len(learned.products))
