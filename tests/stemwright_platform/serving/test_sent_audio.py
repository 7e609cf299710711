"""Audio over HTTP: formats, ranges, and copies that the caller has already."""

import io

import numpy as np
import pytest
import soundfile


@pytest.fixture
def take(client, composition, make_sine, make_wav) -> str:
    """Path of an uploaded take."""
    put = client.put(f"/v1/compositions/{composition}/tracks/drums", content=make_wav(make_sine()))
    return f"/v1/takes/{put.json()['id']}/audio"


def sound(answer) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert rate == 48_000
    return samples


@pytest.mark.parametrize(("name", "error"), [("wav", 0), ("flac", 0), ("ogg", 0.05)])
def test_a_take_comes_in_the_format_asked_for(client, take, name, error):
    answer = client.get(take, params={"format": name})
    assert answer.headers["content-type"] == f"audio/{name}"
    assert soundfile.info(io.BytesIO(answer.content)).format == name.upper()
    wav = sound(client.get(take))
    made = sound(answer)
    assert made.shape == wav.shape
    assert np.abs(made - wav).max() <= error


def test_an_unknown_format_is_refused(client, take):
    assert client.get(take, params={"format": "mp3"}).status_code == 422


@pytest.mark.parametrize(
    ("asked", "first", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-64", -64, None)],
)
def test_a_range_is_that_part_of_the_whole(client, take, asked, first, stop):
    whole = client.get(take)
    part = client.get(take, headers={"Range": asked})
    assert part.status_code == 206
    assert part.content == whole.content[first:stop]
    length = len(whole.content)
    begin = first % length
    assert part.headers["content-range"] == f"bytes {begin}-{begin + len(part.content) - 1}/{length}"
    assert (part.headers["etag"], whole.headers["accept-ranges"]) == (whole.headers["etag"], "bytes")


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=50-10", "bytes=-0", "bytes=-"])
def test_a_range_that_is_not_there_is_refused(client, take, asked):
    answer = client.get(take, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.json()["code"] == "bad_range"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-9", "items=0-5", "nonsense"])
def test_what_is_no_single_range_gets_the_whole(client, take, asked):
    answer = client.get(take, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, client.get(take).content)


def test_who_has_it_gets_nothing_and_formats_are_told_apart(client, take):
    tags = {name: client.get(take, params={"format": name}).headers["etag"] for name in ("wav", "flac")}
    assert tags["wav"] != tags["flac"]
    for name, tag in tags.items():
        answer = client.get(take, params={"format": name}, headers={"If-None-Match": f'"other", {tag}'})
        assert (answer.status_code, answer.content) == (304, b"")
    assert client.get(take, headers={"If-None-Match": tags["flac"]}).status_code == 200


def test_a_range_of_an_older_version_gets_the_whole_new_one(client, take):
    tag = client.get(take).headers["etag"]
    part = {"Range": "bytes=0-9"}
    assert client.get(take, headers={**part, "If-Range": tag}).status_code == 206
    assert client.get(take, headers={**part, "If-Range": '"older"'}).status_code == 200
