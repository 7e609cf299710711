"""What an instrument sounds like, whatever it plays: musicnn's embedding beside cepstra and envelope.

Axes: n audio sample, T frame, M mel band, C cepstral coefficient, E number of the description.
"""

from functools import lru_cache

import numpy as np
import scipy.fft
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.metrics.feature import Arrays
from stemwright.metrics.musicnn import EMBEDDING_WIDTH, Musicnn
from stemwright.metrics.musicnn import SAMPLE_RATE_HZ as MUSICNN_RATE_HZ

CEPSTRA = 20
MEL_BANDS = 64
LEVEL_RMS = 0.05
"""What a sound is brought to where it sounds: how loud it is says nothing of what plays."""
SILENT_RMS = 1e-4
"""−80 dB: a sound that is nowhere louder has the description of silence."""
RANGE_DB = 70.0
"""Of the bands, below their loudest: what lies deeper is noise of rendering or of a codec."""
SOUNDING_DB = 40.0
"""Frames so far below the loudest are pauses."""

_WINDOW, _HOP = 2048, 480


class Timbre:
    """One description of a sound of any length, for telling instruments apart."""

    name = "timbre"
    sample_rate_hz = 48_000
    parts = (slice(0, EMBEDDING_WIDTH), slice(EMBEDDING_WIDTH, None))
    """musicnn's numbers, and those of the spectrum and its movement."""

    def __init__(self) -> None:
        self._ear = Musicnn()
        self.fingerprint = f"timbre-1-{self._ear.fingerprint}"

    def extract(self, audio: Tensor) -> Arrays:
        """`timbre [E]` of float32 audio `[2, n]` and `sounds [1]`, 0 for silence, else 1.

        Gain does not matter. Mean and spread over the frames that sound of cepstra and of their changes, how
        levels rise and fall, how wide the channels stand apart; and musicnn's mean embedding.
        """
        gain = level_gain(audio)
        matched = audio * gain
        heard = torch.from_numpy(
            soxr.resample(matched.numpy().T, self.sample_rate_hz, MUSICNN_RATE_HZ).T.copy()
        )
        embedding = self._ear.extract(heard)["embeddings"].mean(0)
        own = np.concatenate([_spectral(matched.mean(0)), [_width(matched)]]).astype(np.float32)
        return {"timbre": np.concatenate([embedding, own]), "sounds": np.array([gain > 0], np.float32)}


def level_gain(audio: Tensor) -> float:
    """What brings the parts of `[2, n]` that sound to `LEVEL_RMS`; 0 for silence."""
    frames = audio.square().mean(0)[: audio.shape[1] // _HOP * _HOP].unflatten(0, (-1, _HOP)).mean(1)
    loudest = float(frames.max()) if len(frames) else 0.0
    if loudest < SILENT_RMS**2:
        return 0.0
    return LEVEL_RMS / float(frames[frames > loudest * 10 ** (-SOUNDING_DB / 10)].mean().sqrt())


def _spectral(mono: Tensor) -> NDArray[np.float64]:
    """`[4C + 4]` of the frames that sound: cepstra, their changes, how the level rises and falls."""
    padded = torch.nn.functional.pad(mono, (_WINDOW // 2, _WINDOW // 2))
    window = torch.hann_window(_WINDOW)
    spectrum = torch.stft(padded, _WINDOW, _HOP, window=window, center=False, return_complex=True)
    bands = 10 * np.log10(_mel_filters() @ spectrum.abs().square().numpy() + 1e-12)
    level = bands.max(0)
    bands = np.maximum(bands, bands.max() - RANGE_DB)
    cepstra = scipy.fft.dct(bands, axis=0, norm="ortho")[1 : CEPSTRA + 1] / np.sqrt(MEL_BANDS)
    sounds = level > level.max() - SOUNDING_DB
    change = np.diff(cepstra, axis=1, append=cepstra[:, -1:])
    heard, moving = cepstra[:, sounds], change[:, sounds]
    rise = np.diff(level)[sounds[1:]] if sounds[1:].any() else np.zeros(1)
    envelope = [sounds.mean(), rise[rise > 0].sum() / len(rise), rise.std(), np.quantile(rise, 0.25)]
    quartiles = np.quantile(heard, 0.75, axis=1) - np.quantile(heard, 0.25, axis=1)
    return np.concatenate([heard.mean(1), heard.std(1), quartiles, moving.std(1), envelope])


def _width(audio: Tensor) -> float:
    """Share of the power that differs between the channels, 0…1."""
    mid, side = (audio[0] + audio[1]).square().sum(), (audio[0] - audio[1]).square().sum()
    return float(side / (mid + side + 1e-12))


@lru_cache(maxsize=1)
def _mel_filters() -> NDArray[np.float32]:
    from librosa.filters import mel  # takes a second to import

    return mel(
        sr=Timbre.sample_rate_hz, n_fft=_WINDOW, n_mels=MEL_BANDS, fmin=40, fmax=16_000, dtype=np.float32
    )
