"""The frame of the command line: help, mistakes, JSON on failure, interrupts, exit codes."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from edgedigits.cli.main import VERBS, interrupted, main
from edgedigits.cli.parsing import GROUPS, make_parser, parse


def python(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=120)


def test_help_names_every_verb_and_loads_nothing_heavy():
    code = "import sys; from edgedigits.cli.main import main; main(['--help']); print(sorted(sys.modules))"
    shown = python(code).stdout
    assert all(f"    {verb} " in shown for verb in VERBS)
    for heavy in ("numpy", "pandas", "tensorflow", "matplotlib", "ai_edge_litert", "rich", "jinja2"):
        assert f"'{heavy}'" not in shown


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples_that_parse(verb, capsys):
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "usage: edgedigits" in shown
    examples = shown.partition("examples:")[2].split("\n")[1:]
    assert any(f"edgedigits {verb}" in example for example in examples)
    for example in filter(None, examples):
        command = re.sub(r'^eval "\$\((.*)\)"$', r"\1", example.strip()).partition(" > ")[0]
        program, *words = shlex.split(command)
        assert program == "edgedigits"
        parse(words)


def test_verbs_are_listed_by_what_they_are_for(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    places = [shown.index(f"\n  {title}\n    {verbs[0]} ") for title, verbs in GROUPS.items()]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("shell", "begun", "completed"),
    [
        ("bash", "edgedigits simu", {"simulate"}),
        ("bash", "edgedigits build --loss foc", {"focal"}),
        ("bash", "edgedigits export x --to ardu", {"arduino"}),
        ("bash", "edgedigits examples custom_b", {"custom_board.json"}),
        ("bash", "edgedigits simulate x --core cortex-m5", {"cortex-m55"}),
        ("bash", "edgedigits predict x --check-digit lu", {"luhn"}),
    ],
)
def test_a_shell_completes_verbs_options_and_choices(shell, begun, completed, capsys):
    program = shutil.which(shell) or pytest.skip(f"needs {shell}")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    words = begun.split()
    ask = f"""
    COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; COMP_LINE='{begun}'; COMP_POINT={len(begun)}
    $(complete -p edgedigits | sed 's/.*-F \\([^ ]*\\) .*/\\1/') edgedigits; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run([program, "-c", script + ask], capture_output=True, text=True, timeout=30)
    assert set(done.stdout.split()) == completed, done.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish", "powershell"])
def test_a_script_for_each_shell_knows_every_verb(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(verb in script for verb in VERBS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--json"], "edgedigits needs a verb. Known: build,"),
        (["build", "--los", "focal"], "edgedigits build has no option '--los'. Did you mean '--loss'?"),
        (["build", "--class", "balanced"], "has no option '--class'. Did you mean '--class-weights'?"),
        (["build", "--qat-e", "3"], "has no option '--qat-e'. Did you mean '--qat-epochs'?"),
        (["build", "--prune-e", "3"], "has no option '--prune-e'. Did you mean one of --prune-epochs, --prune-end?"),
        (["evaluate", "--dat", "x"], "edgedigits evaluate has no option '--dat'. Did you mean '--data'?"),
        (["study", "run", "x", "--job", "2"], "edgedigits study has no option '--job'. Did you mean '--jobs'?"),
        (["data", "--forc", "inspect"], "edgedigits data has no option '--forc'. See edgedigits data --help."),
        (["data", "inspekt", "x"], "edgedigits data: invalid choice: 'inspekt'. Did you mean 'inspect'?"),
        (["study", "rnu"], "edgedigits study: invalid choice: 'rnu'. Did you mean 'run'?"),
        (["--json", "biuld"], "edgedigits has no verb 'biuld'. Did you mean 'build'?"),
        (["--what", "build"], "edgedigits has no option '--what'. See edgedigits --help."),
        (["biuld"], "edgedigits has no verb 'biuld'. Did you mean 'build'?"),
        (["build", "--sparsity", "1.5"], "--sparsity is '1.5', expected a number from 0 and below 1."),
        (["build", "--loss", "focla"], "Did you mean 'focal'?"),
        (["build", "--hidden", "0"], "--hidden is '0', expected layer widths from 1 to 4096, such as 32,16."),
        (["build", "--what"], "edgedigits build has no option '--what'."),
        (["build", "--optimise=speed"], "edgedigits build has no option '--optimise'. Did you mean '--optimize'?"),
        (["data", "inspect", "x", "--shet", "y"], "edgedigits data has no option '--shet'. Did you mean '--sheet'?"),
        (["inspect", "a", "b"], "edgedigits inspect takes no further 'b'. See edgedigits inspect --help."),
        (
            ["build", "--name", "int"],
            "--name is 'int', expected a prefix for C names such as edgedigits_model; this one is a keyword of C or C++.",
        ),
        (["build", "--prune-begin", "0.9"], "pruning would never happen"),
    ],
    ids=str,
)
def test_a_mistake_in_usage_is_one_sentence_and_exit_code_2(words, message, capsys):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == "" or "--json" in words
    assert message in err and err.startswith("edgedigits: error: ") and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        "simulate x --images",
        "simulate x --max-flash",
        "simulate x --max-instructions",
        "evaluate x --threads",
        "evaluate x --max-size",
        "evaluate x --max-latency",
        "evaluate x --min-accuracy",
        "device x --port y --images",
        "study run x --jobs",
        "study run x --seeds",
        "study run x --iterations-scale",
        "build --data none.csv --epochs",
        "build --data none.csv --learning-rate",
        "build --data none.csv --hidden",
        "build --data none.csv --class-weights",
        "compile x --out y --rounding",
        "simulate x --input-range",
    ],
)
@pytest.mark.parametrize("value", ["9" * 5000, "1e999", "nan", "-1", "", "٣", "x" * 5000])
def test_a_number_that_is_none_is_one_short_sentence(words, value, capsys):
    assert main([*words.split(), value]) in (2, 3)
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and len(err) < 700, err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("simulate x --force", "--force has no effect without --report. Leave it out."),
        ("device x --port /dev/ttyACM0 --toolchain zig", "--toolchain has no effect without --port qemu:BOARD."),
        ("boards --toolchain gcc", "--toolchain has no effect without PATH: nothing is compiled."),
        ("flash x --board rp2040 --force", "--force has no effect without --out."),
        ("flash x --board rp2040 --out a.elf --probe 1", "--probe has no effect with --out: nothing is programmed."),
        ("data inspect x --force", "--force has no effect without --sheet."),
        ("data make-csv x --out t.csv --seed 2", "--seed has no effect without --split train, validation or test."),
        (
            "data make-csv x --out t.csv --split all --test-fraction 0.2",
            "--test-fraction has no effect without --split",
        ),
        (
            "data make-csv x --out t.csv --validation-fraction 0.2",
            "--validation-fraction has no effect without --split",
        ),
    ],
)
def test_an_option_that_does_nothing_is_refused_at_once(words, message, capsys):
    assert main(words.split()) == 2
    assert message in capsys.readouterr().err


def test_json_covers_failures_too(capsys):
    assert main(["build", "--data", "nowhere.csv", "--json"]) == 3
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert (facts["schema"], facts["status"], facts["error"]["exit_code"]) == (1, "error", 3)
    assert facts["error"]["message"] in err


def test_verbose_shows_the_traceback_and_only_verbose_does(capsys):
    main(["build", "--loss", "focla"])
    assert "Traceback" not in capsys.readouterr().err
    main(["build", "--loss", "focla", "-v"])
    assert "Traceback" in capsys.readouterr().err


def test_the_version_is_printed():
    assert python("from edgedigits.cli.main import main; main(['--version'])").stdout.startswith("edgedigits 0.")


def test_without_a_verb_help_is_printed(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: edgedigits") and err == ""


@pytest.mark.parametrize("words", [["--json", "boards"], ["boards", "--json"], ["--quiet", "--json", "boards"]])
def test_the_common_flags_may_stand_before_the_verb(words, capsys):
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "ok"


def test_no_option_of_any_verb_is_taken_by_its_beginning_and_all_have_the_common_ones():
    pending = [make_parser()]
    while pending:
        parser = pending.pop()
        assert not parser.allow_abbrev, parser.prog
        assert {"--json", "--quiet", "-v"} <= parser._option_string_actions.keys(), parser.prog
        verbs = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
        pending += [child for one in verbs for child in one.choices.values()]


class BrokenError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            BrokenError("no\n such\x1b[2J thing"),
            70,
            "This is a fault of edgedigits, not yours: BrokenError: no such?[2J thing",
        ),
        (AssertionError(), 70, "not yours: AssertionError (cli/boards.py, line "),
        (RecursionError("too deep"), 70, "not yours: RecursionError: too deep (cli"),
        (BrokenError("x" * 5000), 70, "x" * 190),
        (OSError(28, "No space left on device", "/tmp/x"), 3, "/tmp/x: No space left on device. Run it again with -v"),
        (
            FileNotFoundError(2, "No such file or directory"),
            3,
            "The folder that this runs in is gone. Change to another.",
        ),
        (OSError("no number"), 70, "not yours: OSError: no number (cli"),
        (BrokenPipeError(32, "Broken pipe"), 3, "Broken pipe."),
        (
            ImportError("libc.so.9 is missing", name="numpy"),
            4,
            "A library cannot be imported: libc.so.9 is missing. Install",
        ),
        (ImportError("no name", name="edgedigits.model"), 70, "not yours: ImportError: no name (cli"),
        (MemoryError(), 3, "There is not enough memory for this. Give less data, or a smaller network."),
    ],
)
def test_what_nobody_foresaw_is_one_sentence_too(error, code, said, monkeypatch, capsys):
    def load_boards():
        raise error

    monkeypatch.setattr("edgedigits.devices.boards.load_boards", load_boards)
    assert main(["boards", "--json"]) == code
    out, err = capsys.readouterr()
    assert said in err and len(err.splitlines()) == 1 and len(err) < 500
    assert ("Run it again with -v to see more, and report that." in err) == (code == 70)
    facts = json.loads(out)
    assert (facts["status"], facts["error"]["exit_code"]) == ("error", code)
    assert main(["boards", "-v"]) == code
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_told_in_json_too(monkeypatch, capsys):
    def load_boards():
        raise KeyboardInterrupt

    monkeypatch.setattr("edgedigits.devices.boards.load_boards", load_boards)
    assert main(["boards", "--json"]) == 130
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["exit_code"] == 130
    assert err == "edgedigits: interrupted; nothing half-made was left behind.\n"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["search", "--out", "found"], "trials that were done are kept, and the same command goes on"),
        (["--quiet", "study", "run", "grid.toml"], "trials that were done are kept, and the same command goes on"),
        (["study", "report", "study/grid"], "nothing half-made was left behind"),
        (["build", "--data", "search"], "nothing half-made was left behind"),
    ],
)
def test_an_interrupt_says_what_is_left(words, left, capsys):
    assert interrupted(words) == 130
    assert capsys.readouterr().err == f"edgedigits: interrupted; {left}.\n"


def test_a_traceback_steers_no_terminal(monkeypatch, capsys):
    def load_boards():
        raise BrokenError("\x1b]0;owned\x07 \u202e")

    monkeypatch.setattr("edgedigits.devices.boards.load_boards", load_boards)
    main(["boards", "-v"])
    err = capsys.readouterr().err
    assert len(err.splitlines()) > 5 and all(line.isprintable() for line in err.splitlines())
