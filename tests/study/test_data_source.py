"""Where a trial finds its digits: by name or path, and in the cache where the source cannot be read."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from edgedigits.config import DataConfig
from edgedigits.data.load import divide
from edgedigits.errors import ConfigError, DataError, ToolMissingError
from edgedigits.study.run import data_source
from edgedigits.study.run.data_source import (
    DataNeed,
    DigitsNotHereError,
    archive,
    cache_file,
    describe,
    find_digits,
    keep,
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["mnist-5k", "auto", "mnist"])
def test_a_name_wins_over_a_folder_of_that_name(name, tmp_path, monkeypatch, few):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    contents = data_source.Contents(few.train, None, "mnist-5k" if name == "auto" else name)
    monkeypatch.setattr(data_source, "read_source", lambda *_, **__: contents)
    need, _ = describe(DataConfig(source=name))
    assert need.source == contents.name


def test_a_path_is_remembered_whole(tmp_path, monkeypatch, few):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "digits.npz", x_train=few.train.images, y_train=few.train.labels)
    need, _ = describe(DataConfig(source="digits.npz"))
    assert need.source == str(tmp_path / "digits.npz")


@pytest.mark.parametrize("kind", [DataError, ConfigError, ToolMissingError])
def test_whatever_keeps_a_source_from_being_read_the_cache_is_asked(kind, monkeypatch):
    need, contents = describe(DataConfig(source="mnist-5k"))

    def fail(*_, **__):
        raise kind("The source cannot be read.", hint="pip install it")

    monkeypatch.setattr(data_source, "read_source", fail)
    with pytest.raises(DigitsNotHereError, match=r"The source cannot be read\. pip install it \(digest"):
        find_digits(need)
    keep(archive(contents), need.digest)
    assert find_digits(need).train.digest == contents.train.digest
    cache_file(need.digest).write_bytes(b"torn")
    with pytest.raises(DigitsNotHereError, match="is damaged"):
        find_digits(need)


def test_digits_are_read_on_a_worker_as_where_the_study_was_started(tmp_path, few):
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=few.train.images, y_train=few.train.labels)
    config = DataConfig(source=str(path), invert=True, transpose=True)
    need, contents = describe(config)
    assert need.reading == config.reading
    assert find_digits(data_source.DataNeed(**asdict(need))).train.digest == contents.train.digest
    assert len({describe(DataConfig(source=str(path), transpose=turned))[0].digest for turned in (False, True)}) == 2


def test_several_sources_are_found_again_from_anywhere_and_in_the_cache(tmp_path, monkeypatch, few):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", x=few.train.images, y=few.train.labels)
    np.savez(tmp_path / "b.npz", x=255 - few.test.images, y=few.test.labels)
    need, contents = describe(DataConfig(source="a.npz + ./b.npz:2.5:invert"))
    assert need.source == f"{tmp_path / 'a.npz'} + {tmp_path / 'b.npz'}:2.5:invert"
    keep(archive(contents), need.digest)
    divided = divide(contents, validation_fraction=0.1, test_fraction=0.1, seed=1)
    for _ in range(2):
        again = find_digits(DataNeed(**json.loads(json.dumps(asdict(need)))))
        assert again.parts == contents.parts and again.name == "a.npz + b.npz"
        splits = divide(again, validation_fraction=0.1, test_fraction=0.1, seed=1)
        assert splits.digest == divided.digest
        (tmp_path / "b.npz").unlink(missing_ok=True)
