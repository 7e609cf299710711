import json

import pytest

from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError


def test_facts_survive_the_file(make_latents):
    folder = make_latents({"a": 50, "b": 90})
    info = DatasetInfo.load(folder)
    text = (folder / "dataset.json").read_bytes()
    info.save(folder)
    assert DatasetInfo.load(folder) == info
    assert (folder / "dataset.json").read_bytes() == text


def test_a_folder_without_dataset_json_is_told_to_run_prepare(tmp_path):
    with pytest.raises(InputError, match="run prepare"):
        DatasetInfo.load(tmp_path)


def test_broken_json_is_one_clear_line(tmp_path):
    (tmp_path / "dataset.json").write_text('{"codec": ')
    with pytest.raises(InputError, match="prepare again"):
        DatasetInfo.load(tmp_path)


@pytest.mark.parametrize("change", [{"format_version": 99}, {"surprise": 1}])
def test_another_version_or_field_is_refused(make_latents, change):
    folder = make_latents({"a": 50})
    entries = json.loads((folder / "dataset.json").read_text()) | change
    (folder / "dataset.json").write_text(json.dumps(entries))
    with pytest.raises(InputError, match=r"dataset\.json.*prepare again"):
        DatasetInfo.load(folder)
