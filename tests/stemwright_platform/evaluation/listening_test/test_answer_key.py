import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey, load_key, save_key


def test_a_key_comes_back_as_it_was_and_only_its_owner_reads_it(
    make_key: Callable[..., AnswerKey], tmp_path: Path
) -> None:
    key, path = make_key("ours", "theirs"), tmp_path / "test.key.json"
    save_key(key, path)
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_never_written_over(make_key: Callable[..., AnswerKey], tmp_path: Path) -> None:
    path = tmp_path / "test.key.json"
    save_key(make_key("ours", "theirs"), path)
    with pytest.raises(InputError, match="another --out"):
        save_key(make_key("a", "b"), path)
    assert load_key(path).systems == ("ours", "theirs")


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"format_version": 2}), None])
def test_what_is_no_key_is_said(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "test.key.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="--key"):
        load_key(path)
