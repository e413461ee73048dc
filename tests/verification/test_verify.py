"""`edgedigits verify`: what holds, what was changed by a byte, and who signed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from edgedigits.build_folder import KINDS, MANIFEST
from edgedigits.cli.main import main
from edgedigits.files.listing import foreign_files, read_listing
from edgedigits.verification.checks import Check, Verdict, _files, check_folder, checked
from edgedigits.verification.signature import SIGNATURE
from tests.devices.emitted_engine import write_emitted_engine
from tests.tflite_builder import random_mlp

REFERENCE = Path(__file__).parents[2] / "deploy" / "reference"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """The reference build without its engine, which takes a compiler a while."""
    return Path(shutil.copytree(REFERENCE, tmp_path / "build", ignore=shutil.ignore_patterns("engine")))


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    """Two private keys and the first one's public key, by name, as files."""
    private = {name: Ed25519PrivateKey.from_private_bytes(name.encode() * 32) for name in ("a", "b")}
    contents = {
        name: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for name, key in private.items()
    }
    for name, key in private.items():
        spki = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        contents[f"{name}.pub"] = spki
    contents["locked"] = private["a"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    other = Ed448PrivateKey.from_private_bytes(b"c" * 57)
    contents["ed448"] = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    contents["text"] = b"no key\n"
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def by_name(folder: Path) -> dict[str, Check]:
    return {one.name: one for one in check_folder(folder)}


def change(path: Path, place: int = -2) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


def test_the_reference_holds_with_its_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(REFERENCE), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    found = {one["name"]: (one["verdict"], one["detail"]) for one in facts["checks"]}
    assert [verdict for verdict, _ in found.values()] == ["holds"] * 5 + ["not checked"]
    assert found["header"][1] == "model_data.h has the 28,464 bytes of model.tflite"
    assert "output bytes of" in found["engine"][1] and "equal to LiteRT, reference kernels, 2.3" in found["engine"][1]
    assert "not there: model_float.tflite" in found["files"][1]


@pytest.mark.parametrize(
    ("name", "place", "broken"),
    [
        ("manifest.json", 300, {"manifest", "files"}),
        ("report.json", 40, {"files"}),
        ("model.tflite", -2, {"files", "header"}),
        ("model_data.h", -6_000, {"files", "header"}),
        ("training_digests.bin", 7, {"files"}),
    ],
)
def test_a_changed_byte_is_told_with_its_file(name: str, place: int, broken: set[str], build: Path) -> None:
    change(build / name, place)
    found = by_name(build)
    assert {one for one, check in found.items() if check.verdict is Verdict.FAILS} >= broken
    assert name == MANIFEST or name in found["files"].detail
    assert found["engine"] == Check("engine", Verdict.UNSEEN, "there is no engine/")


@pytest.mark.parametrize("content", [b"", b"/* nothing */", b"{"])
def test_a_header_without_an_array_is_told(content: bytes, build: Path) -> None:
    (build / "model_data.h").write_bytes(content)
    assert by_name(build)["header"].detail == "model_data.h holds 0 bytes that are not those of model.tflite."


def test_what_is_missing_or_further_is_named(build: Path) -> None:
    (build / "NOTES.txt").touch()
    (build / "model_data.h").unlink()
    found = by_name(build)
    assert found["files"].verdict is Verdict.INCOMPLETE and "not listed: NOTES.txt" in found["files"].detail
    assert found["header"] == Check("header", Verdict.UNSEEN, "there is no model_data.h")
    (build / "model.tflite").unlink()
    assert by_name(build)["files"].verdict is Verdict.FAILS


def test_an_incomplete_folder_is_told_and_fails_where_it_is_to_be_whole(
    build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a slim one as the reference is, pages, plots and the float model alone are gone, of which nothing is made."""
    assert main(["verify", str(build)]) == 0
    assert "files      incomplete   5 as listed; not there: engine/edgedigits_model.c" in capsys.readouterr().out
    shutil.copytree(REFERENCE / "engine", build / "engine")
    found = checked("files", lambda: _files(build, whole=False))
    assert found.verdict is Verdict.HOLDS and "not there: model_float.tflite, plots/" in found.detail
    shutil.rmtree(build / "engine")
    assert main(["verify", str(build), "--whole"]) == 1
    assert "failed: files: 5 as listed; not there: engine/" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"tool": "edgedigits 0.1.0", "schema": 99}'])
def test_a_manifest_that_is_none_ends_in_a_sentence(
    content: bytes, build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (build / MANIFEST).write_bytes(content)
    assert main(["verify", str(build)]) == 1
    told = capsys.readouterr()
    assert "failed: manifest: " in told.err and "Traceback" not in told.err


@pytest.mark.parametrize("changed", ["", "edgedigits_model.c", "edgedigits_model_self_test.c"])
def test_the_engine_is_run(changed: str, tmp_path: Path) -> None:
    write_emitted_engine(tmp_path, random_mlp(3, (30, 12, 10)))
    if changed:
        path = tmp_path / "engine" / changed
        # The first number of every array.
        text, count = re.subn(r"(\{\s+)(-?\d+),", lambda at: f"{at[1]}{int(at[2]) ^ 1},", path.read_text())
        assert count
        path.write_text(text)
    found = by_name(tmp_path)["engine"]
    assert (found.verdict is Verdict.FAILS) == bool(changed), found.detail


def test_an_engine_of_another_model_is_told(tmp_path: Path) -> None:
    write_emitted_engine(tmp_path, random_mlp(3, (30, 12, 10)))
    (tmp_path / "model.tflite").write_bytes(random_mlp(4, (30, 12, 10)))
    assert "was made from another model" in by_name(tmp_path)["engine"].detail


def test_without_a_compiler_it_says_what_was_not_checked_and_exits_with_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("edgedigits.devices.toolchain.find_spec", lambda _: None)
    assert main(["verify", str(REFERENCE)]) == 4
    told = capsys.readouterr()
    assert "engine     not checked" in told.out and "edgedigits[mcu]" in told.err


def test_signing_holds_until_the_manifest_changes(
    build: Path, keys: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(build), "--key", str(keys["a.pub"])]) == 1
    assert "is not signed" in capsys.readouterr().err
    assert main(["verify", str(build), "--sign", str(keys["a"])]) == 0
    assert "signature  holds" in capsys.readouterr().out
    signed = (build / SIGNATURE).read_bytes()
    assert not foreign_files(build, read_listing(build / MANIFEST, KINDS), MANIFEST)
    assert main(["verify", str(build)]) == 0
    assert "hold it against a public key" in capsys.readouterr().out
    assert main(["verify", str(build), "--key", str(keys["a.pub"])]) == 0
    assert main(["verify", str(build), "--key", str(keys["b.pub"])]) == 1
    assert "not with the key of" in capsys.readouterr().err
    assert main(["verify", str(build), "--sign", str(keys["b"])]) == 3
    assert main(["verify", str(build), "--sign", str(keys["a"]), "--force"]) == 0
    assert (build / SIGNATURE).read_bytes() == signed
    facts = json.loads((build / MANIFEST).read_text())
    (build / MANIFEST).write_text(json.dumps(facts))
    capsys.readouterr()
    assert main(["verify", str(build), "--key", str(keys["a.pub"])]) == 1
    assert "signature of another manifest.json" in capsys.readouterr().err


def test_nothing_is_signed_that_does_not_hold(build: Path, keys: dict[str, Path]) -> None:
    change(build / "model.tflite")
    assert main(["verify", str(build), "--sign", str(keys["a"])]) == 1
    assert not (build / SIGNATURE).exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [("locked", "locked with a password"), ("ed448", "another kind of key"), ("text", "no PEM"), ("gone", "No such")],
)
def test_a_key_that_is_none_is_told_and_nothing_is_written(
    name: str, words: str, build: Path, keys: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(build), "--sign", str(keys.get(name, build / name))]) == 3
    assert words in capsys.readouterr().err
    assert not (build / SIGNATURE).exists()


def test_a_file_of_the_signatures_name_is_nobodys_to_replace(build: Path, keys: dict[str, Path]) -> None:
    (build / SIGNATURE).write_text("mine")
    assert main(["verify", str(build), "--sign", str(keys["a"]), "--force"]) == 3
    assert (build / SIGNATURE).read_text() == "mine"
    assert main(["verify", str(build)]) == 1


def test_without_cryptography_the_extra_is_named(
    build: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgedigits.verification.signature.is_installed", lambda _: False)
    assert main(["verify", str(build), "--sign", str(keys["a"])]) == 4
    assert "pip install 'edgedigits[sign]'" in capsys.readouterr().err
    assert main(["verify", str(build)]) == 0
