"""The published numbers, layer by layer, so that a failure names the first layer that is wrong."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.jina_clip import JinaCLIP, Preprocessor

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"
FAMILIES = ("v1_a", "v2_a")


class Case:
    """A fixture: its model, its reference arrays and its preprocessing."""

    def __init__(self, name: str) -> None:
        self.folder = ASSETS / name
        self.reference: dict[str, Any] = dict(np.load(self.folder / "reference.npz"))
        self.model = JinaCLIP.from_pretrained(self.folder)
        self.images = [self.folder / "images" / str(file) for file in self.reference["image_names"]]
        self.pixel_values = torch.from_numpy(self.reference["pixel_values"])
        self.input_ids = torch.from_numpy(self.reference["input_ids"])
        self.mask = (self.input_ids != self.model.text_model.config.pad_token_id).long()

    def check(self, name: str, got: torch.Tensor, tolerance: float) -> None:
        np.testing.assert_allclose(
            got.detach().numpy(), self.reference[name], rtol=0, atol=tolerance, err_msg=name
        )


@pytest.fixture(scope="module", params=FAMILIES)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with torch.inference_mode():
        yield Case(request.param)


def test_pixel_values(case: Case) -> None:
    values = Preprocessor.from_pretrained(case.folder)(case.images)
    case.check("pixel_values", torch.from_numpy(values), 1e-5)


def test_patch_embedding(case: Case) -> None:
    case.check("patch_embed", case.model.vision_model.patch_embed(case.pixel_values), 2e-5)


def test_rotary_tables(case: Case) -> None:
    vision = case.model.vision_model
    case.check("rope_cos", vision.rope_cos[1:], 1e-6)
    sign = torch.tensor([-1.0, 1.0]).repeat(vision.config.head_width // 2)
    case.check("rope_sin", vision.rope_sin[1:] * sign, 1e-6)


def test_first_block(case: Case) -> None:
    seen: list[torch.Tensor] = []
    handle = case.model.vision_model.blocks[0].register_forward_hook(lambda _m, _i, out: seen.append(out))
    case.model.vision_model(case.pixel_values)
    handle.remove()
    case.check("block0", seen[0], 2e-5)


def test_all_blocks(case: Case) -> None:
    case.check("vision_tokens_prenorm", case.model.vision_model.tokens(case.pixel_values), 5e-5)


def test_image_features(case: Case) -> None:
    case.check("image_features", case.model.vision_model(case.pixel_values), 2e-5)


def test_text_hidden_states(case: Case) -> None:
    got = case.model.text_model.tokens(case.input_ids, case.mask)
    tokens = case.mask.bool().numpy()
    difference = np.abs(got.numpy() - case.reference["text_last_hidden"])[tokens]
    assert difference.max() <= 2e-5


def test_text_features(case: Case) -> None:
    case.check("text_features", case.model.text_model(case.input_ids, case.mask), 2e-5)


@pytest.mark.parametrize("side", ["image", "text"])
def test_embeddings_of_every_length(case: Case, side: str) -> None:
    def embed(dim: int | None) -> torch.Tensor:
        if side == "image":
            return case.model.encode_image(case.pixel_values, dim=dim)
        return case.model.encode_text(case.input_ids, case.mask, dim=dim)

    case.check(f"{side}_embeds", embed(None), 2e-5)
    lengths = [
        int(found[1])
        for name in case.reference
        if (found := re.fullmatch(rf"{side}_embeds_trunc(\d+)", name))
    ]
    assert lengths
    for dim in lengths:
        case.check(f"{side}_embeds_trunc{dim}", embed(dim), 2e-5)


def test_logits(case: Case) -> None:
    case.check("logits_per_text", case.model(case.pixel_values, case.input_ids, case.mask), 1e-4)
    case.check("logit_scale", case.model.logit_scale, 0)


def test_the_mask_is_found_from_the_padding_id(case: Case) -> None:
    torch.testing.assert_close(
        case.model.encode_text(case.input_ids), case.model.encode_text(case.input_ids, case.mask)
    )


def test_padding_changes_nothing(case: Case) -> None:
    pad = case.model.text_model.config.pad_token_id
    longer = torch.nn.functional.pad(case.input_ids, (0, 9), value=pad)
    torch.testing.assert_close(
        case.model.encode_text(longer), case.model.encode_text(case.input_ids), rtol=0, atol=2e-6
    )


def test_bfloat16_autocast_stays_close(case: Case) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        image = case.model.encode_image(case.pixel_values)
        text = case.model.encode_text(case.input_ids, case.mask)
    assert (image * case.model.encode_image(case.pixel_values)).sum(-1).min() >= 0.999
    assert (text * case.model.encode_text(case.input_ids, case.mask)).sum(-1).min() >= 0.999


@pytest.mark.parametrize("name", FAMILIES)
def test_bfloat16_weights_stay_close(name: str) -> None:
    with torch.inference_mode():
        case = Case(name)
        small = JinaCLIP.from_pretrained(case.folder, dtype="bfloat16")
        got = small.encode_image(case.pixel_values.bfloat16())
        assert got.dtype == torch.float32
        assert (got * case.model.encode_image(case.pixel_values)).sum(-1).min() >= 0.999
        text = small.encode_text(case.input_ids, case.mask)
        assert (text * case.model.encode_text(case.input_ids, case.mask)).sum(-1).min() >= 0.998


def test_the_adapter_that_is_on_moves_the_text() -> None:
    case = Case("v2_a")
    difference = (
        case.model.text_model(case.input_ids, case.mask).detach().numpy()
        - case.reference["text_features_no_lora"]
    )
    assert np.abs(difference).max() > 1e-2
