"""`visionseek train pretrain`."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.pretrain.recipe import Recipe
from training.recipes import field_options, recipe_option
from visionseek import output
from visionseek.errors import CheckpointError, InputError
from visionseek.pixels import Rule

if TYPE_CHECKING:
    from training.jina_clip import JinaCLIP, Preprocessor
    from training.jina_clip.tokenizing import Tokenizer
    from training.pretrain.pictures import PictureSet, Source


@click.command()
@recipe_option("pretrain")
@click.option(
    "--feed",
    "feeds",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A feed with pictures; repeatable.",
)
@click.option(
    "--photos",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of photographs, each a product of its own; repeatable.",
)
@click.option(
    "--styles",
    "style_folders",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of folders, one a style; the last 8 are left for `eval --suite ringfir`; repeatable.",
)
@click.option("--only-studio", is_flag=True, help="Of the feeds: only pictures whose `views` say studio.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="A config.json; default: that of visionseek-mini."
)
@click.option(
    "--start", type=click.Path(path_type=Path), help="A checkpoint to go on from instead of random weights."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Gets the checkpoint, state, log and curves.",
)
@click.option("--pixel-rule", type=click.Choice(["shortest-crop", "pad"]), default="pad", show_default=True)
@click.option("--save-every", type=click.IntRange(1), default=200, show_default=True, help="Steps.")
@field_options(Recipe)
@output.json_option
def pretrain(
    feeds: tuple[Path, ...],
    folders: tuple[Path, ...],
    style_folders: tuple[Path, ...],
    only_studio: bool,
    config: Path | None,
    start: Path | None,
    out: Path,
    pixel_rule: str,
    save_every: int,
    as_json: bool,
    **numbers: Any,
) -> None:
    """Train a Jina CLIP from scratch: pictures of one product and its captions together, others apart.

    A run that was stopped goes on where it was when it is called again with the same options. `torchrun
    --nproc-per-node N -m visionseek train pretrain ...` trains on N GPUs with the same result.
    """
    # torch takes seconds to import; `--help` should not.
    from training.distributed import crew  # noqa: PLC0415
    from training.pretrain.pictures import read_pictures  # noqa: PLC0415
    from training.pretrain.run import pretrain as run  # noqa: PLC0415
    from training.pretrain.wording import wording  # noqa: PLC0415
    from training.trained_on import write_trained_on  # noqa: PLC0415

    sources = _sources(feeds, folders, style_folders, only_studio=only_studio)
    with crew() as together:
        clip, processor, tokenizer = _model(start, config, pixel_rule, sources, numbers["seed"])
        numbers["final_size"] = numbers["final_size"] or processor.size
        recipe = Recipe(**numbers)
        with output.progress() as bar:
            reading = bar.add_task("reading pictures", total=len(sources))
            pictures = read_pictures(
                sources, size=processor.size, rule=processor.rule, on_read=lambda: bar.advance(reading)
            )
        words = wording(pictures, tokenizer, max_tokens=recipe.context) if tokenizer else None
        if together.leads:
            _say_what_is_odd(pictures, cut=words.cut if words else 0, context=recipe.context)
        losses: deque[float] = deque(maxlen=50)
        with output.progress() as bar:
            training = bar.add_task("training", total=recipe.steps)

            def on_step(step: int, loss: float) -> None:
                losses.append(loss)
                mean = sum(losses) / len(losses)
                bar.update(training, completed=step, description=f"training, loss {mean:.3f}")

            clip = run(
                clip,
                processor,
                pictures,
                recipe,
                out,
                words=words,
                crew=together,
                save_every=save_every,
                on_step=on_step,
            )
        if not together.leads:
            return
    checkpoint = out / "checkpoint"
    _save(clip, processor, tokenizer, checkpoint)
    families = {source.family for source in sources if source.family != source.product}
    write_trained_on(checkpoint, _seen(start, pictures.members), families)
    output.console.print(f"saved {checkpoint}", soft_wrap=True)
    if as_json:
        output.emit_json(
            {
                "checkpoint": str(checkpoint),
                "steps": recipe.steps,
                "pictures": len(pictures.pixels),
                "products": len(pictures.products),
                "captions": 0 if words is None else len(words.ids),
                "skipped": len(pictures.skipped),
                "loss": losses[-1] if losses else None,
            }
        )


def _sources(
    feeds: tuple[Path, ...], folders: tuple[Path, ...], style_folders: tuple[Path, ...], *, only_studio: bool
) -> list[Source]:
    from training.evaluate.ringfir import class_folders, held_out  # noqa: PLC0415
    from training.pretrain.pictures import feed_sources, folder_sources  # noqa: PLC0415

    def showing(view: str) -> bool:
        return not only_studio or view == "studio"

    sources = [source for feed in feeds for source in feed_sources(feed, showing=showing)]
    for folder in (*folders, *style_folders):
        if not folder.is_dir():
            raise InputError("there is no folder here", where=str(folder))
    for folder in folders:
        sources += folder_sources(folder)
    for folder in style_folders:
        left = held_out([path.name for path in class_folders(folder)])
        found = folder_sources(folder, group_by_folder=True)
        sources += [source for source in found if source.path.parent.name not in left]
    if not sources:
        raise InputError("nothing to learn from", mend="give --feed FEED, --photos FOLDER or --styles FOLDER")
    return sources


def _model(
    start: Path | None, config: Path | None, pixel_rule: str, sources: list[Source], seed: int
) -> tuple[JinaCLIP, Preprocessor, Tokenizer | None]:
    """The model, its preprocessing, and its tokenizer: of the checkpoint, or learned from the captions."""
    from training.jina_clip import MINI, JinaCLIP, Preprocessor  # noqa: PLC0415
    from training.jina_clip.config import JinaCLIPConfig  # noqa: PLC0415
    from training.jina_clip.tokenizing import Tokenizer  # noqa: PLC0415
    from training.jina_clip.vocabulary import train_vocabulary  # noqa: PLC0415

    if start is not None:
        clip = JinaCLIP.from_pretrained(start)
        tokenizer = Tokenizer.from_pretrained(start) if (start / "tokenizer.json").is_file() else None
        return clip, Preprocessor.from_pretrained(start), tokenizer
    parsed = MINI if config is None else _read_config(config)
    sizes = JinaCLIPConfig.from_dict(parsed)
    captions = sorted({phrase for source in sources for phrase in source.phrases})
    backbone = sizes.text_config.backbone
    tokenizer = None
    if captions and backbone.family == "v1":
        tokenizer = Tokenizer(train_vocabulary(captions, backbone.vocab_size), backbone.pad_token_id)
    clip = JinaCLIP.from_config(sizes, seed=seed, train_text=tokenizer is not None)
    rule: Rule = "pad" if pixel_rule == "pad" else "shortest-crop"
    return clip, Preprocessor(sizes.vision_config.image_size, rule), tokenizer


def _read_config(path: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"no readable configuration: {error}", where=str(path)) from error
    if not isinstance(parsed, dict):
        raise CheckpointError("a configuration must be a JSON object", where=str(path))
    return parsed


def _say_what_is_odd(pictures: PictureSet, *, cut: int, context: int) -> None:
    for line in pictures.skipped:
        output.console.print(f"skipped {line}", markup=False, soft_wrap=True)
    if cut:
        output.console.print(f"{cut} captions are longer than {context} tokens and lose their end")
    if not any(pictures.phrases):
        output.console.print("no captions: the text tower stays as it is")


def _save(clip: JinaCLIP, processor: Preprocessor, tokenizer: Tokenizer | None, checkpoint: Path) -> None:
    from training.jina_clip.vocabulary import save_vocabulary  # noqa: PLC0415

    clip.save_pretrained(checkpoint)
    processor.save_pretrained(checkpoint)
    if tokenizer is not None and not (checkpoint / "tokenizer.json").is_file():
        save_vocabulary(tokenizer.fast, checkpoint)


def _seen(start: Path | None, members: tuple[str, ...]) -> set[str]:
    from training.trained_on import read_trained_on  # noqa: PLC0415

    before = read_trained_on(start) if start is not None else None
    return {*members, *(before.products if before else ())}
