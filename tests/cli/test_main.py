"""The frame of the command line: help, mistakes, JSON on failure, interrupts, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from edgedigits.cli.main import VERBS, main


def python(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=120)


def test_help_names_every_verb_and_loads_nothing_heavy():
    code = "import sys; from edgedigits.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    shown = python(code).stdout
    assert all(f"    {verb} " in shown for verb in VERBS)
    for heavy in ("numpy", "pandas", "tensorflow", "matplotlib", "ai_edge_litert", "rich", "jinja2"):
        assert f"'{heavy}'" not in shown


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert "usage: edgedigits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "edgedigits needs a verb."),
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
    assert out == ""
    assert message in err and err.startswith("edgedigits: error: ") and len(err.splitlines()) == 1


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
