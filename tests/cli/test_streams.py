"""Stdout and stderr as they are met: of other encodings, full, closed; and names that would steer a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgedigits.cli.main import main
from edgedigits.cli.streams import clean_console, prepare, tell, tell_lines
from edgedigits.cli.terminal import TerminalProgress
from tests.tflite_builder import random_mlp

ROOT = Path(__file__).parents[2]
HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\n\r[red]"
LOST = "edgedigits: error: The results cannot be printed: "


def shell(command: str, **environment: str) -> tuple[int, str, str]:
    """Run a line of shell in which $E is the program."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "E": f"{sys.executable} -m edgedigits", **environment}
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=120, env=variables)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["boards", "boards --json", "--help"])
def test_a_full_stdout_is_told(words, unbuffered):
    code, _, err = shell(f"$E {words} > /dev/full", PYTHONUNBUFFERED=unbuffered)
    assert (code, err) == (3, f"{LOST}No space left on device.\n")


def test_a_reader_that_has_seen_enough_is_no_mistake():
    code, out, err = shell("{ $E boards --json; echo $? >&2; } | head -n 1")
    assert (code, out, err) == (0, "{\n", "0\n")


@pytest.mark.parametrize("words", [["completion", "bash"], ["boards"], ["--help"]])
def test_nobody_hears_of_a_reader_that_is_gone(words, monkeypatch, capsys):
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(sys, "stdout", Gone())
    assert main(words) == 0
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["boards"], "Open it, or say --quiet."),
        (["boards", "--quiet", "--json"], "Open it."),
        (["--help"], "Open it."),
        (["build", "--help"], "Open it."),
        (["study", "run", "--quiet", "--help"], "Open it."),
        (["--version"], "Open it."),
        ([], "Open it."),
    ],
)
def test_a_closed_stdout_is_told_whatever_was_to_be_printed(words, remedy, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(words) == 3
    assert capsys.readouterr().err == f"{LOST}stdout is closed. {remedy}\n"


def test_a_closed_stdout_is_told_at_once_and_quiet_needs_none():
    code, _, err = shell("$E --version >&-")
    assert (code, err) == (3, f"{LOST}stdout is closed. Open it.\n")
    assert shell("$E boards --quiet >&-") == (0, "", "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_without_stderr_errors_are_lost_but_json_is_whole(where, unbuffered):
    code, out, err = shell(f"$E inspect nowhere --json {where}", PYTHONUNBUFFERED=unbuffered)
    assert (code, json.loads(out)["error"]["exit_code"], err) == (3, 3, "")


def test_all_streams_may_be_closed():
    assert shell("$E boards --quiet >&- 2>&- <&-") == (0, "", "")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-16"])
def test_every_encoding_will_do(encoding, monkeypatch, tmp_path):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    (tmp_path / "γ-数-\udce9.tflite").write_bytes(random_mlp(0, sizes=(784, 10)))
    assert main(["inspect", str(tmp_path / "γ-数-\udce9.tflite")]) == 0
    assert main(["boards"]) == 0
    assert main(["inspect", "γ→数.tflite"]) == 3
    out.flush()
    err.flush()
    assert "784" in out.buffer.getvalue().decode(encoding)
    assert "does not exist" in err.buffer.getvalue().decode(encoding)


def test_signs_that_an_encoding_lacks_have_words(monkeypatch):
    err = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr(sys, "stderr", err)
    prepare()
    tell("γ = 2, 28×28, p50 0.95 µs → ≥ 97 %, é, 数, …")
    assert err.buffer.getvalue() == b"gamma = 2, 28x28, p50 0.95 us -> >= 97 %, e, ?, ...\n"


def test_what_is_told_is_one_clean_line(capsys):
    tell(f"a{HOSTILE}b")
    TerminalProgress().say(f"c{HOSTILE}d")
    tell_lines("x\n\x1by")
    assert capsys.readouterr().err == "a?[2J?]0;x????[red]b\nc?[2J?]0;x????[red]d\nx\n?y\n"


def test_nothing_steers_the_terminal_through_the_console():
    from rich.table import Table
    from rich.text import Text

    console = clean_console(file=io.StringIO(), width=60, force_terminal=True, color_system="standard")
    table = Table(box=None)
    table.add_column(Text("\x1b[2J"))
    table.add_row(Text("cell\x9b31m\u202e"))
    console.print("[bold]a\x1b[2J\nb[/bold]", Text("t\n\x07"), ":warning:", table)
    text = console.file.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert "a?[2J?b t?" in text and ":warning:" in text and "cell?31" in text
    assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("verb", ["inspect", "evaluate", "compile", "simulate", "compare", "boards", "device --port x"])
def test_a_name_of_a_file_reaches_stderr_clean_and_json_whole(verb, tmp_path, capsys):
    name = str(tmp_path / f"a{HOSTILE}b.tflite")
    words = [*verb.split(), name, *(["--out", "x"] if verb == "compile" else [])]
    assert main([*words, "--json"]) in (2, 3)
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1 and err.rstrip("\n").isprintable()
    assert out.isascii() and (verb == "compare" or f"a{HOSTILE}b" in json.loads(out)["error"]["message"])


def test_a_name_of_a_file_reaches_stdout_clean(tmp_path, capsys):
    path = tmp_path / f"a{HOSTILE}b.tflite"
    path.write_bytes(random_mlp(0, sizes=(784, 10)))
    assert main(["inspect", str(path)]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[0].endswith("a?[2J?]0;x????[red]b.tflite") and all(line.isprintable() for line in lines)
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["name"].endswith(f"a{HOSTILE}b.tflite")


def test_a_progress_bar_shows_names_as_they_are_and_clean(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with TerminalProgress().stage("Writing [red]\u202e.csv", 1) as stage:
        stage.advance(note="[bold]\x07")
    assert "Writing [red]?.csv" in terminal.getvalue() and "[bold]?" in terminal.getvalue()


def test_no_file_that_is_opened_gets_the_number_of_a_closed_stream(tmp_path):
    program = (
        "from edgedigits.cli.streams import prepare; prepare(); print(open({!r}, 'w').fileno(), file=open({!r}, 'w'))"
    )
    (tmp_path / "p.py").write_text(program.format(str(tmp_path / "a"), str(tmp_path / "number")))
    assert shell(f"{sys.executable} {tmp_path / 'p.py'} <&- >&- 2>&-")[0] == 0
    assert int((tmp_path / "number").read_text()) > 2
