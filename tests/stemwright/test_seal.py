from pathlib import Path

import pytest

from stemwright.seal import SEAL, broken_seal, seal

FILES = {"a.bin": b"as it was written", "b.bin": bytes(range(256)) * 40}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    seal(tmp_path, FILES)
    return tmp_path


def test_what_is_as_it_was_written_is_whole(folder: Path) -> None:
    assert broken_seal(folder) is None


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_named_with_both_sizes(folder: Path, name: str) -> None:
    (folder / name).write_bytes(FILES[name][:7])
    assert broken_seal(folder) == f"{name} has 7 bytes, not {len(FILES[name]):,}"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("at", [0, -1])
def test_one_byte_that_differs_is_found(folder: Path, name: str, at: int) -> None:
    content = bytearray(FILES[name])
    content[at] ^= 1
    (folder / name).write_bytes(content)
    assert broken_seal(folder) == f"{name} is not as it was written"


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "b.bin").unlink()
    assert broken_seal(folder) == "b.bin is missing"


@pytest.mark.parametrize("content", [b"", b'{"a.bin": {"by', b"[]", b'{"a.bin": 3}'])
def test_a_seal_that_cannot_be_read_makes_nothing_whole(folder: Path, content: bytes) -> None:
    (folder / SEAL).write_bytes(content)
    assert broken_seal(folder, FILES) == f"{SEAL} cannot be read"


def test_only_the_files_asked_for_are_looked_at(folder: Path) -> None:
    (folder / "b.bin").unlink()
    assert broken_seal(folder, ["a.bin"]) is None
