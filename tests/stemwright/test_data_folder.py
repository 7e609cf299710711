import pickle
import uuid
from pathlib import Path

import pytest

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError


@pytest.fixture(params=["a path", "an in-memory store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> DataFolder:
    folder = DataFolder(
        tmp_path / "data" if request.param == "a path" else f"memory://{uuid.uuid4().hex}/data"
    )
    folder.make()
    return folder


def test_what_is_written_is_read_by_any_copy_of_the_folder(folder: DataFolder) -> None:
    with folder.writing("a.bin") as path:
        path.write_bytes(b"hello")
    for view in (folder, DataFolder(folder.url), pickle.loads(pickle.dumps(folder))):
        assert view.names() == {"a.bin"}
        assert view.read("a.bin") == b"hello"
        with view.open("a.bin") as file:
            file.seek(2)
            assert file.read() == b"llo"


def test_an_error_while_writing_leaves_the_old_file_and_no_other(folder: DataFolder) -> None:
    with folder.writing("a.bin") as path:
        path.write_bytes(b"old")

    def write_half(path: Path) -> None:
        path.write_bytes(b"ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), folder.writing("a.bin") as path:
        write_half(path)
    assert folder.names() == {"a.bin"}
    assert folder.read("a.bin") == b"old"


def test_what_is_not_there_is_said_so_and_can_be_removed_twice(folder: DataFolder) -> None:
    with pytest.raises(FileNotFoundError):
        folder.read("a.bin")
    with folder.writing("a.bin") as path:
        path.write_bytes(b"x")
    folder.remove("a.bin")
    folder.remove("a.bin")
    assert folder.names() == set()
    assert DataFolder(f"{folder.url}/nowhere").names() == set()


def test_an_unknown_kind_of_url_is_named_in_one_line() -> None:
    with pytest.raises(InputError, match="teapot://x: cannot be reached") as caught:
        DataFolder("teapot://x")
    assert "\n" not in str(caught.value)
