"""A sound font of one instrument, written byte by byte: its tuning and its loop are known exactly."""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

SAMPLE_MODES, ROOT_KEY, SCALE_TUNING, FINE_TUNING, COARSE_TUNING = 54, 58, 56, 52, 51
RELEASE, CUTOFF = 38, 8


def write_sound_font(
    path: Path,
    sample: np.ndarray,
    *,
    rate_hz: int,
    root: int,
    loop: tuple[int, int],
    generators: Mapping[int, int],
    correction_cents: int = 0,
) -> Path:
    """`sample [n]` in ±1 as program 0; `generators` by number, as in the specification."""
    # The specification asks for 46 zeros after a sample; loops may end at its very end nevertheless.
    data = (np.clip(sample, -1, 1) * 32767).astype("<i2").tobytes() + bytes(92)
    zone = b"".join(struct.pack("<Hh", *one) for one in sorted(generators.items()) if one[0] != 53)
    instrument = zone + struct.pack("<HH", 53, 0)
    chunks = {
        b"phdr": struct.pack("<20sHHHIII", b"one", 0, 0, 0, 0, 0, 0)
        + struct.pack("<20sHHHIII", b"EOP", 0, 0, 1, 0, 0, 0),
        b"pbag": struct.pack("<HHHH", 0, 0, 1, 0),
        b"pmod": bytes(10),
        b"pgen": struct.pack("<HHHh", 41, 0, 0, 0),
        b"inst": struct.pack("<20sH", b"one", 0) + struct.pack("<20sH", b"EOI", 1),
        b"ibag": struct.pack("<HHHH", 0, 0, len(instrument) // 4, 0),
        b"imod": bytes(10),
        b"igen": instrument + bytes(4),
        b"shdr": struct.pack(
            "<20sIIIIIBbHH", b"tone", 0, len(sample), *loop, rate_hz, root, correction_cents, 0, 1
        )
        + struct.pack("<20sIIIIIBbHH", b"EOS", *([0] * 9)),
    }
    body = b"sfbk" + _list(b"sdta", {b"smpl": data}) + _list(b"pdta", chunks)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def _list(name: bytes, chunks: Mapping[bytes, bytes]) -> bytes:
    body = name + b"".join(key + struct.pack("<I", len(data)) + data for key, data in chunks.items())
    return b"LIST" + struct.pack("<I", len(body)) + body
