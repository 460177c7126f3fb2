"""LoRA reaches what it should and nothing else, and the text tower never learns."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from training.jina_clip import LORA_TARGETS, MINI, JinaCLIP, JinaCLIPConfig

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"
FAMILIES = ("v1_a", "v2_a")


def load(name: str) -> tuple[JinaCLIP, torch.Tensor]:
    model = JinaCLIP.from_pretrained(ASSETS / name)
    size = model.config.vision_config.image_size
    return model, torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def wrap(model: torch.nn.Module) -> Any:
    import peft

    torch.manual_seed(0)
    return peft.get_peft_model(model, peft.LoraConfig(r=4, lora_alpha=8, target_modules=LORA_TARGETS))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_regex_hits_every_linear_layer_of_the_vision_blocks_and_nothing_else(name: str) -> None:
    model, _ = load(name)
    hit = {n for n, _ in model.named_modules() if re.fullmatch(LORA_TARGETS, n)}
    blocks = {
        n
        for n, m in model.named_modules()
        if n.startswith("vision_model.blocks") and isinstance(m, torch.nn.Linear)
    }
    assert hit == blocks
    assert len(hit) == 7 * model.config.vision_config.layers
    assert {
        f"vision_model.{n}" for n, _ in model.vision_model.named_modules() if re.fullmatch(LORA_TARGETS, n)
    } == hit


@pytest.mark.parametrize("name", FAMILIES)
def test_every_target_moves_the_output_and_a_merge_changes_nothing(name: str) -> None:
    model, pixels = load(name)
    plain = model.encode_image(pixels).detach()
    adapted = wrap(model)
    torch.testing.assert_close(adapted.base_model.model.encode_image(pixels), plain, rtol=0, atol=0)
    factors = {n: p for n, p in adapted.named_parameters() if "lora_B.default" in n}
    assert len(factors) == 7 * model.config.vision_config.layers
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for target, factor in factors.items():
            factor.normal_(std=0.2, generator=generator)
            moved = adapted.base_model.model.encode_image(pixels)
            assert (moved - plain).abs().max() > 1e-5, target
            factor.zero_()
        for factor in factors.values():
            factor.normal_(std=0.05, generator=generator)
        unmerged = adapted.base_model.model.encode_image(pixels)
        merged = adapted.merge_and_unload()
        torch.testing.assert_close(merged.encode_image(pixels), unmerged, rtol=0, atol=1e-5)
    assert set(merged.state_dict()) == set(JinaCLIP.from_pretrained(ASSETS / name).state_dict())


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_reach_every_target_and_nothing_else(name: str) -> None:
    model, pixels = load(name)
    adapted = wrap(model)  # the v2 text tower has `lora_` tensors of its own, which must stay frozen
    for n, parameter in adapted.named_parameters():
        if "lora_B.default" in n:
            torch.nn.init.normal_(parameter, std=0.05)
    adapted.train()
    ids = torch.randint(3, 300, (2, 5), generator=torch.Generator().manual_seed(0))
    clip = adapted.base_model.model
    loss = clip.encode_image(pixels)[:, :8].sum() + clip.encode_text(ids)[:, :8].sum()
    torch.autograd.backward(loss)
    for n, parameter in adapted.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert reached == parameter.requires_grad == (".default." in n), n


def test_lora_works_on_the_vision_tower_alone() -> None:
    model, pixels = load("v1_a")
    adapted = wrap(model.vision_model)
    assert adapted(pixels).shape == (2, 96)


@pytest.mark.parametrize("name", FAMILIES)
def test_no_text_parameter_changes_in_training(name: str) -> None:
    model, pixels = load(name)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    ids = torch.randint(3, 300, (2, 7), generator=torch.Generator().manual_seed(0))
    model.train()
    assert not model.text_model.training
    assert model.vision_model.training
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.5)
    for _ in range(3):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(pixels, ids), torch.arange(2))
        torch.autograd.backward(loss)
        optimiser.step()
    for n, parameter in model.named_parameters():
        assert torch.equal(parameter, before[n]) == n.startswith("text_model."), n


def test_training_from_scratch_may_train_the_text_tower() -> None:
    config = json.loads((ASSETS / "v1_a" / "config.json").read_text())
    model = JinaCLIP.from_config(config, seed=0, train_text=True).train()
    assert model.text_model.training
    assert all(p.requires_grad for p in model.text_model.parameters())
    frozen = JinaCLIP.from_config(config, seed=0)
    assert not any(p.requires_grad for p in frozen.text_model.parameters())


def test_patch_dropout_acts_in_training_only() -> None:
    model, pixels = load("v1_a")
    vision = model.vision_model
    assert vision.tokens(pixels).shape[1] == 17
    assert torch.equal(vision(pixels), vision(pixels))
    vision.train()
    assert vision.tokens(pixels).shape[1] == 1 + int(16 * 0.9)
    assert not torch.equal(vision(pixels), vision(pixels))


def test_kept_patches_keep_their_positions() -> None:
    """Dropping no patch but shuffling all of them must not move the CLS token."""
    vision = load("v2_a")[0].vision_model
    x = torch.randn(2, 17, 64, generator=torch.Generator().manual_seed(2))
    order = torch.cat([torch.zeros(1, dtype=torch.long), torch.randperm(16) + 1])
    cos, sin = (table.repeat(1, vision.config.heads) for table in (vision.rope_cos, vision.rope_sin))
    straight = vision.blocks[0](x, cos, sin)
    shuffled = vision.blocks[0](x[:, order], cos[order], sin[order])
    torch.testing.assert_close(shuffled[:, 0], straight[:, 0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_other_picture_sizes_work(name: str) -> None:
    model, _ = load(name)
    patch, size = model.config.vision_config.patch_size, model.config.vision_config.image_size
    for height, width in ((size + 2 * patch, size + 2 * patch), (patch, patch), (size, size + patch)):
        assert model.encode_image(torch.randn(1, 3, height, width)).shape == (1, model.config.dimension)
    # The remainder beyond whole patches is not looked at.
    picture = torch.randn(1, 3, size, size)
    wider = torch.nn.functional.pad(picture, (0, patch - size % patch - 1, 0, 0), value=9.0)
    torch.testing.assert_close(model.encode_image(wider), model.encode_image(picture), rtol=0, atol=1e-6)


def test_a_resized_tower_stays_close_on_an_even_picture() -> None:
    model, _ = load("v1_a")
    small = model.encode_image(torch.full((1, 3, 32, 32), 0.3))
    large = model.encode_image(torch.full((1, 3, 64, 64), 0.3))
    assert (small * large).sum() > 0.8


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 3, 4, 32)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="pixel_values must be"):
        load("v1_a")[0].encode_image(torch.zeros(shape))


def test_wrong_text_shapes_and_lengths_are_refused() -> None:
    model, pixels = load("v1_a")
    with pytest.raises(ValueError, match="input_ids must be"):
        model.encode_text(torch.zeros(4, dtype=torch.long))
    with pytest.raises(ValueError, match="attention_mask must be"):
        model.encode_text(torch.ones(1, 4, dtype=torch.long), torch.ones(1, 3))
    for dim in (0, -1, 97, 8.0, "8"):
        with pytest.raises(ValueError, match="dim must be 1 to 96"):
            model.encode_image(pixels, dim=dim)  # type: ignore[arg-type]


def test_a_length_that_the_checkpoint_was_not_trained_for_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model, pixels = load("v2_a")
    caplog.clear()
    model.encode_image(pixels, dim=32)
    assert not caplog.records
    for _ in range(3):
        assert model.encode_image(pixels, dim=33).shape == (2, 33)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "33 dimensions" in caplog.text


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_text_of_nothing_but_padding_gives_numbers(name: str, dtype: torch.dtype) -> None:
    model = JinaCLIP.from_pretrained(ASSETS / name, dtype)
    pad = model.text_model.config.pad_token_id
    ids = torch.full((2, 5), pad)
    ids[1, :3] = torch.tensor([7, 8, 9])
    got = model.encode_text(ids)
    assert got.isfinite().all()
    torch.testing.assert_close(got[1:], model.encode_text(ids[1:, :3]), rtol=0, atol=5e-3)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_tower_in_half_precision_takes_the_preprocessor_s_floats(name: str) -> None:
    model, pixels = load(name)
    half = JinaCLIP.from_pretrained(ASSETS / name, dtype="bfloat16")
    assert (half.encode_image(pixels) * model.encode_image(pixels)).sum(-1).min() > 0.999
    with pytest.raises(ValueError, match="normalised floats"):
        model.encode_image((pixels * 50).to(torch.uint8))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_last_block_may_answer_for_cls_alone(name: str) -> None:
    """The features are those of the whole block, and so are the gradients."""
    model, pixels = load(name)
    vision = model.vision_model
    short, whole = vision(pixels), vision.norm(vision.tokens(pixels))[:, 0]
    torch.testing.assert_close(short, whole, rtol=0, atol=5e-6)
    weights = dict(vision.named_parameters())
    found = torch.autograd.grad(short.square().sum(), list(weights.values()))
    expected = torch.autograd.grad(whole.square().sum(), list(weights.values()))
    for weight, one, other in zip(weights, found, expected, strict=True):
        assert (one - other).abs().max() <= 1e-4 + 1e-3 * other.abs().max(), weight


def test_the_configured_length_is_used_where_none_is_given() -> None:
    config = json.loads((ASSETS / "v2_a" / "config.json").read_text())
    config["truncate_dim"] = 16
    model = JinaCLIP.from_config(config, seed=3)
    pixels = torch.randn(1, 3, 60, 60)
    assert model.encode_image(pixels).shape == (1, 16)
    assert model.encode_image(pixels, dim=64).shape == (1, 64)


def random_v2(adapters: list[str], task: str | None, alpha: int, rank: int, heads: int = 4) -> JinaCLIP:
    config = json.loads((ASSETS / "v2_a" / "config.json").read_text())
    config["text_config"]["default_lora_task"] = task
    config["text_config"]["hf_model_config_kwargs"].update(
        lora_adaptations=adapters, lora_alpha=alpha, lora_rank=rank, num_attention_heads=heads
    )
    model = JinaCLIP.from_config(config, seed=5)
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in model.text_model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


@pytest.mark.parametrize(
    ("adapters", "task", "alpha", "rank", "heads"),
    [
        (["retrieval.query"], "retrieval.query", 4, 4, 4),
        (["a", "b", "c"], "b", 8, 2, 8),
        (["a", "b"], None, 1, 3, 2),
    ],
)
def test_the_v2_text_tower_equals_transformers_with_the_adapter_merged(
    adapters: list[str], task: str | None, alpha: int, rank: int, heads: int
) -> None:
    transformers = pytest.importorskip("transformers")
    model = random_v2(adapters, task, alpha, rank, heads)
    config = model.config.text_config.backbone
    peer = transformers.JinaEmbeddingsV3Model(
        transformers.JinaEmbeddingsV3Config(
            vocab_size=config.vocab_size, hidden_size=config.hidden_size,
            num_hidden_layers=config.num_hidden_layers, num_attention_heads=heads,
            intermediate_size=config.intermediate_size, max_position_embeddings=64,
        ),
        add_pooling_layer=False,
    ).eval()  # fmt: skip
    ours: Any = model.text_model.transformer.get_submodule("roberta")
    weights = {
        "embeddings.word_embeddings.weight": ours.embeddings.word_embeddings.weight,
        "embeddings.token_type_embeddings.weight": ours.embeddings.token_type_embeddings.weight,
        "embeddings.LayerNorm.weight": ours.emb_ln.weight,
        "embeddings.LayerNorm.bias": ours.emb_ln.bias,
    }
    for number, layer in enumerate(ours.encoder.layers):
        parts = zip(layer.mixer.Wqkv.weight.chunk(3), layer.mixer.Wqkv.bias.chunk(3), "qkv", strict=True)
        for weight, bias, letter in parts:
            weights[f"layers.{number}.self_attn.{letter}_proj.weight"] = weight
            weights[f"layers.{number}.self_attn.{letter}_proj.bias"] = bias
        for theirs, mine in (
            ("self_attn.o_proj", layer.mixer.out_proj),
            ("mlp.fc1", layer.mlp.fc1),
            ("mlp.fc2", layer.mlp.fc2),
            ("post_attention_layernorm", layer.norm1),
            ("post_mlp_layernorm", layer.norm2),
        ):
            weights[f"layers.{number}.{theirs}.weight"] = mine.weight
            weights[f"layers.{number}.{theirs}.bias"] = mine.bias
    peer.load_state_dict(weights)
    ids = torch.randint(3, 500, (3, 11), generator=torch.Generator().manual_seed(0))
    ids[1, 7:] = 1
    with torch.no_grad():
        expected = peer(input_ids=ids, attention_mask=(ids != 1).long()).last_hidden_state
        got = model.text_model.tokens(ids)
    torch.testing.assert_close(got[ids != 1], expected[ids != 1], rtol=0, atol=2e-5)


def test_the_index_of_the_adapter_and_its_scale_count() -> None:
    ids = torch.tensor([[0, 5, 6, 2]])
    texts = [
        random_v2(["a", "b"], task, alpha, 4).encode_text(ids)
        for task, alpha in (("a", 4), ("b", 4), ("b", 8), (None, 4))
    ]
    for first in range(4):
        for second in range(first):
            assert (texts[first] - texts[second]).abs().max() > 1e-3


@pytest.mark.parametrize("heads", [1, 3, 4, 6, 12])
def test_v1_text_with_any_number_of_heads_is_alibi_by_definition(heads: int) -> None:
    """Against a plain restatement in float64: softmax(q k / sqrt(d) - slope |i - j|) v, GEGLU, post-norm."""
    config = json.loads((ASSETS / "v1_a" / "config.json").read_text())
    config["text_config"]["hf_model_config_kwargs"]["num_attention_heads"] = heads
    model = JinaCLIP.from_config(config, seed=4).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.text_model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator).double() * 0.1)
    ids = torch.randint(1, 300, (1, 9), generator=generator)
    bert: Any = model.text_model.transformer
    power = 1
    while power * 2 <= heads:
        power *= 2
    slopes = [2 ** (-8 * (i + 1) / power) for i in range(power)]
    slopes += [2 ** (-8 * (i + 1) / (2 * power)) for i in range(0, 2 * power, 2)][: heads - power]
    norm, gelu = torch.nn.functional.layer_norm, torch.nn.functional.gelu
    with torch.no_grad():
        words, types = bert.embeddings.word_embeddings.weight, bert.embeddings.token_type_embeddings.weight
        x = norm(words[ids[0]] + types[0], (96,), bert.emb_ln.weight, bert.emb_ln.bias, 1e-12)
        width = 96 // heads
        away = (torch.arange(9)[:, None] - torch.arange(9)).abs()
        for layer in bert.encoder.layers:
            q, k, v = (x @ layer.mixer.Wqkv.weight.T + layer.mixer.Wqkv.bias).chunk(3, dim=-1)
            mixed = []
            for head in range(heads):
                part = slice(head * width, (head + 1) * width)
                logits = q[:, part] @ k[:, part].T / width**0.5 - slopes[head] * away
                mixed.append(logits.softmax(-1) @ v[:, part])
            x = x + torch.cat(mixed, -1) @ layer.mixer.out_proj.weight.T + layer.mixer.out_proj.bias
            x = norm(x, (96,), layer.norm1.weight, layer.norm1.bias, 1e-12)
            gate, value = (x @ layer.mlp.gated_layers.weight.T).chunk(2, dim=-1)
            x = x + (gelu(gate) * value) @ layer.mlp.wo.weight.T + layer.mlp.wo.bias
            x = norm(x, (96,), layer.norm2.weight, layer.norm2.bias, 1e-12)
        torch.testing.assert_close(model.text_model(ids)[0], x.mean(0), rtol=0, atol=1e-6)


def test_mini_trains_in_bfloat16_autocast() -> None:
    config = {**MINI, "vision_config": {**MINI["vision_config"], "layers": 1}}
    model = JinaCLIP.from_config(JinaCLIPConfig.from_dict(config), seed=0, train_text=True).train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(torch.randn(2, 3, 224, 224), torch.randint(5, 100, (2, 6)))
    loss = torch.nn.functional.cross_entropy(logits.float(), torch.arange(2))
    torch.autograd.backward(loss)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
