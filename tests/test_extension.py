"""What is added is one file: each kind of thing is found by lying in its folder, wherever its like are found.

The package is copied, one file is added, and a process of its own looks for what was added.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.compilers import C_COMPILERS, available, compile_and_run
from tests.model.random_chains import ChainWriter

ROOT = Path(__file__).parents[1]

LOSS = '''
"""The distance of the softmax from the label, for a test."""
from edgedigits import options
from edgedigits.losses.declaration import Loss, Parameter

def per_image(tf, labels, logits, *, sharpness):
    onehot = tf.one_hot(labels, 10, dtype=logits.dtype)
    return sharpness * tf.reduce_sum(tf.abs(tf.nn.softmax(logits) - onehot), axis=-1)

LOSS = Loss("absolute", meaning="how far the softmax is from the label", formula="a Σ_k |p_k − 1[k=y]|", source="",
            per_image=per_image,
            parameters=(Parameter("sharpness", 1.5, options.number(0, 9), "factor a", lambda a: f"a = {a:g}"),))
'''
STAGE = '''
"""Rounds weights to 1/64 behind the float stage, for a test."""
from edgedigits.stages.declaration import Stage

def run(line, model):
    for layer in model.layers:
        layer.kernel.assign((layer.kernel * 64).numpy().round() / 64)
    plan = line.plan("round", "Rounding to 1/64", 1, 1e-9)
    rounded = line.train(plan, model)
    return rounded, rounded

STAGE = Stage("round", order=5, label="rounded", asked=lambda config: config.output.note == "round", run=run,
              past=lambda target_sparsity: "rounded to 1/64", brief=lambda tables: "", slug="round")
'''
ENCODING = '''
"""All weights column by column, for a test."""
import numpy as np
from edgedigits.model.weights.encoding import Constant, Encoding, Visits

class Columns(Encoding):
    name, rank, summary, code_bytes = "toy_columns", 99, "all weights, column by column", 300
    kernel, template, visits = "dense_columns", "toy_columns.c.j2", Visits.EVERY_INPUT

    def pack(self, weights):
        return (Constant("weights", np.ascontiguousarray(weights.T).reshape(-1)),)

    def unpack(self, constants, shape):
        return constants[0].values.reshape(shape[::-1]).T

    def instructions(self, weights, activity):
        return 1e9

ENCODINGS = (Columns(),)
'''
KERNEL = """
/* A dense layer whose weights lie column by column, for a test. */
APART static void dense_columns(const int8_t *in, uint32_t inputs, const int8_t *weights, const int32_t *bias,
                                uint32_t outputs, int32_t *sums)
{
    for (uint32_t o = 0; o < outputs; ++o) {
        int32_t sum = bias[o];

        for (uint32_t i = 0; i < inputs; ++i) {
            sum += in[i] * weights[i * outputs + o];
        }
        sums[o] = sum;
    }
}
"""
OP = '''
"""ABS, for a test."""
import numpy as np
from edgedigits.model.ops.table import CODES, TableOp

class Abs(TableOp):
    opcodes = ("ABS",)

    def table(self, operator, source, target, rounding):
        return np.abs(CODES - source.zero_point) + target.zero_point

OP = Abs()
'''

SELF_TEST = """
#include <stdint.h>
#include <stdio.h>
#include "edgedigits_model.h"
static edgedigits_model_workspace_t workspace;
int main(void)
{
    printf("%d", edgedigits_model_self_test(&workspace));
    return 0;
}
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and of what it is shipped with."""
    for name in ("edgedigits", "firmware_stub"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def look(copy: Path, program: str) -> str:
    """Run a program that finds the copy instead of this tree, and return what it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (copy, ROOT)))}
    done = subprocess.run([sys.executable, "-c", program], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_loss_is_in_the_help_the_file_the_axes_the_page_and_the_readme(copy: Path) -> None:
    (copy / "edgedigits" / "losses" / "absolute.py").write_text(LOSS)
    program = """
import sys
from edgedigits.cli.main import main
from edgedigits.config_file import make_config, parse_sections, to_tables
from edgedigits.report.words import loss_meaning, loss_words
from edgedigits.study.plan.axes import find_axis
from tests.readme_tables import losses
config = make_config(parse_sections({"loss": {"name": "absolute", "sharpness": 2}}, "t"))
print(config.loss.sharpness, loss_words(to_tables(config)), loss_meaning(to_tables(config)), sep=" / ")
print(find_axis("sharpness", "t").apply("3", "t"), find_axis("loss", "t").apply("absolute", "t"))
print(losses(""))
assert "tensorflow" not in sys.modules
main(["build", "--help"])
"""
    said = look(copy, program)
    assert said.startswith("2.0 / absolute (a = 2) / how far the softmax is from the label\n")
    assert "({'loss': {'sharpness': 3.0}}, 'int8') ({'loss': {'name': 'absolute'}}, 'int8')" in said
    assert "| `absolute` | a Σ_k |p_k − 1[k=y]|; `--sharpness` |" in said
    assert "--sharpness" in said and "absolute: factor a" in said


LEVERS = {
    "criteria": '''
"""Those near one go first, for a test."""
from edgedigits.criteria.declaration import Criterion

CRITERION = Criterion("near-one", meaning="weights far from one", formula="|w − 1|", source="", score=lambda state: abs(state.weights - 1))
''',
    "ramps": '''
"""Half at once and half at the end, for a test."""
from edgedigits.ramps.declaration import Ramp

RAMP = Ramp("halves", meaning="half at once, half at the end", source="", cut=lambda done: 1.0 if done == 1 else 0.5)
''',
    "levels": '''
"""Plus and minus one value, for a test."""
import numpy as np
from edgedigits.levels.declaration import Levels

def codes(tf, parameters, bits):
    scale = tf.stop_gradient(tf.abs(parameters[0])) / 127
    return tf.constant([-127.0, 127.0]) * (tf.abs(parameters[0]) / 127 / scale), scale

LEVELS = Levels("signs", meaning="one value and its negative", source="", codes=codes, holds_zero=False,
                initial=lambda weights, bits: np.array([abs(weights).mean()], np.float32))
''',
}


def test_a_criterion_a_schedule_and_a_kind_of_levels_are_in_the_help_the_axes_the_readme_and_a_training(
    copy: Path,
) -> None:
    for room, text in LEVERS.items():
        (copy / "edgedigits" / room / "toy.py").write_text(text)
    program = """
import sys
from edgedigits.cli.main import main
from edgedigits.config_file import make_config, parse_sections
from edgedigits.study.plan.axes import find_axis
from tests.readme_tables import criteria, levels, schedules
for axis, value in (("criterion", "near-one"), ("prune_schedule", "halves"), ("weight_values", "signs")):
    print(find_axis(axis, "t").apply(value, "t"))
print(criteria(""), schedules(""), levels(""), sep="\\n")
assert "tensorflow" not in sys.modules
main(["build", "--help"])
"""
    said = look(copy, program)
    for words in ("near-one", "halves", "signs"):
        assert f"| `{words}` |" in said
        assert said.count(words) >= 3


@pytest.mark.slow(seconds=22)
def test_a_criterion_a_schedule_and_a_kind_of_levels_that_are_added_train(copy: Path) -> None:
    for room, text in LEVERS.items():
        (copy / "edgedigits" / room / "toy.py").write_text(text)
    program = """
from edgedigits import build
result = build({
    "data": {"source": "mnist-5k"}, "model": {"hidden": [12]}, "training": {"epochs": 1, "augment": "none"},
    "prune": {"enabled": True, "sparsity": 0.5, "criterion": "near-one", "schedule": "halves", "scope": "global"},
    "joint": {"enabled": True, "epochs": 4}, "levels": {"weight_bits": 1, "weight_values": "signs"},
})
print([layer.weights.distinct for layer in result.facts.model.layers], result.facts.model.zeros / result.facts.model.weights)
"""
    said = look(copy, program)
    assert said.startswith("[3, 3] 0.5")


KIND = """
from edgedigits.config import DataConfig
from edgedigits.study.kinds import Entry, Flag, Plan


class _Coins:
    plan_name, stored_as, chapter = "coins", ("coin",), None
    flags = (Flag("count", "--coins", "N", "how many to toss", "Write seed under [axes]."),)

    def plan(self, count=1):
        spec = {"label": "a coin"}
        return Plan("coins", tuple(Entry("coin", "a coin", {"coin": n}, spec, DataConfig()) for n in range(count)))

    def run(self, kind, trials, contents):
        for trial in trials:
            yield {"key": trial["key"], "result": {"accuracy": 0.5}}

    def check(self, spec):
        pass

    def row(self, spec, everywhere):
        return {"column": "coin", "loss": "none", "compression": "", "only": "", "setting": "", "seed": 0}


KIND = _Coins()
"""


def test_a_kind_of_trials_is_planned_run_and_told_from_its_own_room(copy: Path) -> None:
    room = copy / "edgedigits" / "coins"
    room.mkdir()
    (room / "__init__.py").touch()
    (room / "trial_kind.py").write_text(KIND)
    program = """
from edgedigits.cli.main import main
from edgedigits.study.findings.frame import compared, study_frame
from edgedigits.study.run.child import run_task
from edgedigits.study.run.rows import DONE, Trial
(answer,) = run_task({"kind": "coin", "trials": [{"key": "k", "spec": {"label": "a coin"}}]}, None)
frame = compared(study_frame([Trial("k", 0, "coin", {"label": "a coin"}, DONE, 1, 1.0, "", answer["result"])]))
print(frame["column"].item(), frame["accuracy"].item(), answer["seconds"] >= 0)
main(["study", "run", "coins", "--coins", "3", "--dry-run"])
main(["study", "run", "coins", "--coins", "3", "--seeds", "3", "--dry-run", "--json"])
main(["study", "run", "--help"])
"""
    said = look(copy, program)
    assert said.startswith("coin 0.5 True\n")
    assert "3 trials, about" in said
    assert "--seeds is of crossdata and levers and report-table, and coins is another." in said
    assert "--coins N" in said and "how many to toss" in said


@pytest.mark.slow(seconds=21)
def test_a_loss_and_a_stage_are_trained_named_and_told(copy: Path) -> None:
    (copy / "edgedigits" / "losses" / "absolute.py").write_text(LOSS)
    (copy / "edgedigits" / "stages" / "toy_round.py").write_text(STAGE)
    program = """
from edgedigits.cli.main import main
words = ["build", "--data", "mnist-5k", "--loss", "absolute", "--hidden", "12", "--epochs", "5"]
raise SystemExit(main([*words, "--note", "round"]))
"""
    said = look(copy, program)
    assert "absolute-12-round: 784-12-10, absolute (a = 1.5) loss" in said
    assert "rounded to 1/64, quantized after training" in said and "→ rounded" in said
    report = json.loads((copy / "deploy" / "absolute-12-round" / "report.json").read_text())
    assert [stage["name"] for stage in report["stages"]] == ["float", "round"]
    page = (copy / "deploy" / "absolute-12-round" / "report.html").read_text()
    assert "Rounding to 1/64" in page and "how far the softmax is from the label" in page


def test_an_encoding_is_chosen_from_emitted_and_exact(copy: Path) -> None:
    (copy / "edgedigits" / "model" / "weights" / "toy_columns.py").write_text(ENCODING)
    (copy / "edgedigits" / "engine" / "templates" / "kernels" / "toy_columns.c.j2").write_text(KERNEL)
    program = """
from pathlib import Path
import numpy as np
from edgedigits.compile import write_engine
from edgedigits.engine.engine_json import read_engine_file
from edgedigits.engine.source import render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import candidates, choose, use
from edgedigits.model.reader import read_tflite
from tests.engine.engine_program import run_engines
from tests.model.oracles import hard_inputs
from tests.tflite_builder import random_mlp
Path("m.tflite").write_bytes(random_mlp(5, (40, 17, 10)))
network = lower(read_tflite(Path("m.tflite")))
assert "toy_columns" in [one.encoding.name for one in candidates(network)[0]]
assert "toy_columns" not in [one.encoding.name for one in choose(network)]
packed = use(network, ["toy_columns", "toy_columns"])
inputs = hard_inputs(network.inputs, 1, count=50)
source = render_engine(network, packed)
[answers] = run_engines("gcc", ["-O2"], [(source, inputs)], Path("c").resolve())
assert np.array_equal(answers.scores, run(network, inputs))
write_engine(source, Path())
facts = read_engine_file(Path("engine", f"{source.prefix}.json"))
print([step.stored.plain.encoding for step in facts.steps])
"""
    assert look(copy, program) == "['toy_columns', 'toy_columns']\n"


@pytest.mark.slow
def test_an_op_is_lowered_proven_emitted_and_told(copy: Path) -> None:
    chain = ChainWriter(5, 12)
    chain.dense(7)
    chain.function("ABS", keeps_scale=True)
    chain.dense(3)
    (copy / "m.tflite").write_bytes(chain.pack())
    program = """
from edgedigits.cli.main import main
main(["inspect", "m.tflite"])
print("compile:", main(["compile", "m.tflite", "--out", "it", "--quiet"]))
"""
    said = look(copy, program)
    assert "ABS" in said and "compile: 5" in said, "it is refused by name"
    (copy / "edgedigits" / "model" / "ops" / "toy_abs.py").write_text(OP)
    said = look(copy, program)
    assert "ABS" in said and "compile: 0" in said
    manifest = json.loads((copy / "it" / "manifest.json").read_text())
    assert manifest["proof"]["proven"], "every byte is that of the interpreter"
    engine = copy / "it" / "engine"
    (engine / "main.c").write_text(SELF_TEST)
    assert compile_and_run(available(C_COMPILERS)[0], ["-std=c99"], sorted(engine.glob("*.c")), engine) == "0"


EXPORT = '''
"""One file, for a test."""
from edgedigits.exports.declaration import Export

EXPORT = Export("toy", help="a toy", sources="c", files=("say/{prefix}.txt",), then="look at it")
'''


@pytest.mark.slow
def test_an_export_is_in_the_help_and_the_readme_and_is_written(copy: Path) -> None:
    room = copy / "edgedigits" / "exports"
    (room / "toy.py").write_text(EXPORT)
    template = room / "templates" / "toy" / "say" / "{prefix}.txt.j2"
    template.parent.mkdir(parents=True)
    template.write_text("{{ macro }} takes {{ workspace }} bytes\n")
    program = f"""
from edgedigits.cli.main import main
from tests.readme_tables import exports
print(exports(""))
assert main(["export", {str(ROOT / "deploy/reference")!r}, "--to", "toy", "--out", "it"]) == 0
main(["export", "--help"])
"""
    said = look(copy, program)
    assert "| `toy` | a toy |" in said and "next      look at it" in said and "toy: a toy" in said
    assert (copy / "it" / "say" / "edgedigits_model.txt").read_text() == "EDGEDIGITS_MODEL takes 676 bytes\n"
    assert (copy / "it" / "c" / "edgedigits_model_reader.c").is_file()


@pytest.mark.slow
def test_a_core_and_a_board_are_in_the_tables_and_can_be_named(copy: Path) -> None:
    core = json.loads((ROOT / "firmware_stub/cores/cortex-m4.json").read_text())
    board = json.loads((ROOT / "firmware_stub/boards/nucleo-f401re.json").read_text())
    (copy / "firmware_stub/cores/cortex-m99.json").write_text(json.dumps(core))
    (copy / "firmware_stub/boards/toy-board.json").write_text(
        json.dumps({**board, "title": "A board of a test", "core": "cortex-m99"})
    )
    program = f"""
from edgedigits.cli.main import main
from edgedigits.devices.cores import find_core
from edgedigits.devices.boards import find_board
assert find_core("cortex-m99").has_dsp and find_board("toy-board").core.name == "cortex-m99"
assert main(["boards"]) == 0
raise SystemExit(main(["boards", {str(ROOT / "deploy/reference")!r}, "--board", "toy-board"]))
"""
    rows = [line for line in look(copy, program).splitlines() if "toy-board" in line]
    assert len(rows) == 2 and all("cortex-m99" in row for row in rows)


VERB = '''
"""`edgedigits greet`, for a test."""
from edgedigits.cli.outcome import Outcome

HELP, EXAMPLES = "say hello", ("edgedigits greet you",)

def add_arguments(parser):
    parser.add_argument("name")

def run(args, progress):
    return Outcome({"name": args.name}, lambda console: console.print(f"hello {args.name}"))
'''


def test_a_verb_is_in_the_help_the_readme_and_runs(copy: Path) -> None:
    (copy / "edgedigits" / "cli" / "greet.py").write_text(VERB)
    parsing = copy / "edgedigits" / "cli" / "parsing.py"
    parsing.write_text(
        parsing.read_text(encoding="utf-8").replace('"completion"),', '"completion", "greet"),'), encoding="utf-8"
    )
    program = """
from edgedigits.cli.main import VERBS, main
from tests.readme_tables import verbs
print(verbs("\\n".join(f"## {name}" for name in VERBS)))
assert main(["greet", "you"]) == 0
main(["greet", "--help"])
main(["--help"])
"""
    said = look(copy, program)
    assert "hello you" in said and said.count("say hello") >= 2 and "edgedigits greet you" in said
