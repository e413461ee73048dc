"""`edgedigits build` as a user meets it: what it prints, what it refuses, and what Ctrl-C leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgedigits.cli.config_flags import config_from_arguments
from edgedigits.cli.main import main
from edgedigits.cli.next_step import simulate_command
from edgedigits.cli.parsing import parse
from edgedigits.config import BudgetConfig, BuildConfig, DataConfig, LossConfig, OutputConfig
from edgedigits.config_file import to_tables
from edgedigits.data.export import write_csv
from edgedigits.errors import ConfigError
from edgedigits.stages.catalogue import build_folder

QUICK = ["--hidden", "12", "--epochs", "3", "--batch-size", "64"]
STAGES = ["--prune", "--prune-epochs", "2", "--qat", "--qat-epochs", "1"]


@pytest.fixture(scope="module")
def csv(few, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("digits") / "train.csv"
    write_csv(few.train, path)
    return path


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def command(*words: str, setup: str = "") -> subprocess.Popen[str]:
    """Start the program in a process of its own; `setup` is Python that runs before it."""
    code = f"{setup}\nimport sys\nfrom edgedigits.cli.main import main\nsys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=180)
    return process.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize("stages", [[], STAGES], ids=["float", "qat-prune"])
def test_a_build_tells_what_matters_in_under_a_screen(csv, stages):
    code, out, err = outcome(command("build", "--loss", "focal", *stages, "--data", str(csv), *QUICK))
    assert code == 0, err
    assert len(out.splitlines()) <= 40
    for word in (
        "450 train, 60 validation, 90 test",
        "float32",
        "int8",
        "precision",
        "recall",
        "zeros",
        "gzip",
        "p50",
        f"edgedigits simulate deploy/focal-12{'-qat-prune' if stages else ''}",
    ):
        assert word in out, word
    # Nothing on stderr where it is not a terminal: no bars, no chatter of the libraries.
    assert err == ""


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        ("--sparsity 0.9", "--sparsity has no effect without --prune."),
        ("--gamma 3 --loss mse", "--gamma has no effect without --loss focal."),
        (
            "--class-weights balanced --loss focal",
            "--class-weights has no effect without --loss weighted-cross-entropy.",
        ),
        (
            "--beta 0.9 --loss weighted-cross-entropy",
            "--beta has no effect without --class-weights effective-number.",
        ),
        ("--hinge one-vs-rest", "--hinge has no effect without --loss hinge."),
        ("--budget-flash 8K --sparsity 0.9", "--sparsity has no effect with --budget-flash."),
        ("--budget-flash 8K --core cortex-m0plus", "--core has no effect with --budget-flash."),
        ("--budget-flash 8K --cluster-epochs 5", "--cluster-epochs has no effect with --budget-flash."),
        ("--budget-constants 2K --prune-epochs 9", "--prune-epochs has no effect with --budget-constants."),
        ("--budget-constants 2K --per-tensor", "--per-tensor has no effect with --budget-constants."),
        (
            "--budget-instructions 20k --most-instructions 9k",
            "--most-instructions has no effect with --budget-instructions.",
        ),
        ("--per-tensor --qat", "--per-tensor has no effect with --qat."),
        ("--prune --joint --prune-rate 0.5", "--prune-rate has no effect with --joint."),
        ("--joint --joint-trim 0.9", "--joint-trim has no effect without --budget-constants BYTES."),
        ("--joint --joint-levels-begin 0.4", "--joint-levels-begin has no effect without --weight-bits 4."),
        (
            "--prune --criterion lamp --prune-frequency 9",
            "--prune-frequency has no effect without --criterion magnitude.",
        ),
        ("--prune --prune-scope global --prune-output", "--prune-output has no effect without --prune-scope layer."),
        (
            "--prune --prune-schedule iterative --prune-end 0.5",
            "--prune-end has no effect without --prune-schedule polynomial.",
        ),
        (
            "--prune --prune-schedule constant --initial-sparsity 0.5",
            "--initial-sparsity has no effect without --prune-schedule polynomial.",
        ),
        ("--augment none --augment-copies 8", "--augment-copies has no effect without --augment light."),
        ("--weight-bits 4 --joint --cluster-epochs 5", "--cluster-epochs has no effect with --joint."),
        ("--cluster-epochs 5", "--cluster-epochs has no effect without --weight-bits 4."),
        ("--levels powers", "--levels has no effect without --weight-bits 4."),
    ],
)
def test_a_flag_that_does_nothing_is_refused_before_any_training(flags, note, capsys):
    assert main(["build", "--data", "none.csv", *flags.split()]) == 2
    assert capsys.readouterr().err.startswith(f"edgedigits: error: {note} Leave ")


@pytest.mark.parametrize("flag", ["--budget-constants", "--budget-flash", "--budget-instructions"])
@pytest.mark.parametrize("nothing", ["0", "0K", "-5", "-2K"])
def test_a_budget_of_nothing_is_refused_in_one_sentence(flag, nothing, capsys):
    assert main(["build", "--data", "none.csv", f"{flag}={nothing}"]) == 2
    err = capsys.readouterr().err
    told = (
        f"{flag} is 0, in which nothing fits. Leave it out" if nothing in ("0", "0K") else f"{flag} is '{nothing}', exp"
    )
    assert err.startswith(f"edgedigits: error: {told}") and len(err.splitlines()) == 1


def test_a_budget_of_a_file_can_be_put_out_of_use(capsys):
    Path("my.toml").write_text("[budget]\nconstants = 900")
    words = ("--config", "my.toml", "--budget-constants", "0", "--budget-flash", "2K")
    assert config(*words).budget == BudgetConfig(flash=2048)


@pytest.mark.parametrize(
    ("flags", "advice", "mended"),
    [
        ("--budget-flash 8K --qat", "Leave --qat out.", "--budget-flash 8K"),
        ("--qat --joint", "Leave one of --qat and --joint out.", "--joint"),
        ("--budget-flash 8K --core m0plus", "Leave one of them out.", "--budget-flash 8K"),
        ("--budget-flash 8K --optimize speed", 'or take optimize = "size".', "--budget-flash 8K --optimize size"),
        (
            "--budget-constants 4K --most-instructions 9k",
            "(--budget-instructions)",
            "--budget-constants 4K --budget-instructions 9k",
        ),
        (
            "--budget-constants 4K --prune-schedule iterative",
            " Take polynomial, constant, linear, one-shot.",
            "--budget-constants 4K --prune-schedule constant",
        ),
        (
            "--joint --prune --prune-schedule iterative",
            "in turn, with --prune and --qat",
            "--prune --qat --prune-schedule iterative",
        ),
        ("--optimize size --core m0plus", "add --optimize balanced.", "--optimize balanced --core m0plus"),
        ("--weight-bits 4 --levels powers", "Add --joint", "--weight-bits 4 --levels powers --joint"),
        ("--levels-by-output", "add --joint.", "--levels-by-output --joint"),
        ("--budget-core m0plus", "add --budget-flash BYTES.", "--budget-core m0plus --budget-flash 4K"),
        ("--augment none --augment-copies 9", "add --augment light.", "--augment light --augment-copies 9"),
        ("--joint --joint-trim 0.95", "add --budget-constants BYTES.", "--joint-trim 0.95 --budget-constants 4K"),
        ("--budget-flash 4K --granularity 2:4", "Leave out the budget", "--prune --granularity 2:4"),
        ("--prune --sparsity 0.6 --granularity 2:4", "Leave out the budget, sparsity", "--prune --granularity 2:4"),
    ],
)
def test_who_follows_a_hint_is_not_sent_back(flags, advice, mended):
    with pytest.raises(ConfigError) as told:
        config(*flags.split())
    assert advice in str(told.value)
    config(*mended.split())


def config(*words: str) -> BuildConfig:
    """Return the choices of a command line."""
    args = parse(["build", *words])
    return config_from_arguments(args, args.config)


@pytest.mark.parametrize(
    ("text", "flags", "message"),
    [
        ("[loss]\ngamma = 3", "", '[loss] gamma has no effect without name = "focal" under [loss].'),
        ("[loss]\ngamma = 2.0", "", '[loss] gamma has no effect without name = "focal" under [loss].'),
        ('[loss]\nname = "mse"\ngamma = 3', "", "[loss] gamma has no effect"),
        ("[prune]\nsparsity = 0.9", "", "[prune] sparsity has no effect without enabled = true under [prune]."),
        ("[prune]\nenabled = false\nsparsity = 0.9", "", ""),
        ("[prune]\nsparsity = 0.9", "--prune", ""),
        ("[prune]\nenabled = true\nsparsity = 0.9", "--no-prune", ""),
        ('[loss]\nname = "focal"\ngamma = 3', "--loss mse", ""),
        ("[qat]\nenabled = true\nper_tensor = true", "", ""),
        ("[levels]\nweight_bits = 8\n[cluster]\nepochs = 5", "", ""),
        ("[cluster]\nepochs = 5", "", "[cluster] epochs has no effect without weight_bits = 4 under [levels]."),
        ('[loss]\nname = "weighted-cross-entropy"\nbeta = 0.9', "", "[loss] beta has no effect without class_weights"),
    ],
)
def test_a_key_that_does_nothing_is_refused_unless_a_switch_or_a_flag_put_it_out_of_use(text, flags, message):
    Path("my.toml").write_text(text)
    if not message:
        config("--config", "my.toml", *flags.split())
        return
    with pytest.raises(ConfigError) as caught:
        config("--config", "my.toml", *flags.split())
    assert str(caught.value).startswith(f"my.toml: {message}")


def test_a_manifest_names_every_choice_and_is_taken_as_it_is():
    chosen = BuildConfig(loss=LossConfig(name="mse", gamma=5.0), output=OutputConfig(note="Of MNIST."))
    Path("manifest.json").write_text(json.dumps({"config": to_tables(chosen)}))
    assert config("--config", "manifest.json") == chosen
    other = config("--config", "manifest.json", "--data", "mine.csv")
    assert (other.data.source, other.output.note) == ("mine.csv", ""), "a note is of the digits that it came with"


def test_digits_that_a_manifest_names_from_elsewhere_are_asked_for(capsys):
    chosen = to_tables(BuildConfig(data=DataConfig(source="mine.csv")))
    Path("manifest.json").write_text(json.dumps({"config": chosen}))
    assert main(["build", "--config", "manifest.json"]) == 3
    assert (
        "manifest.json names the digits mine.csv, seen from where its build was called: not here. "
        "Call from there, or name them with --data." in capsys.readouterr().err
    )
    Path("mine.csv").touch()
    assert config("--config", "manifest.json").data.source == "mine.csv"


def test_a_tilde_is_a_home_wherever_a_path_is_written(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("my.toml").write_text('[output]\nout = "~/x"\ntensorboard = "~/t"')
    Path("other.toml").write_text('[output]\nout = "~nosuchuser/x"')
    assert build_folder(config("--config", "~/my.toml")) == tmp_path / "x"
    assert config("--config", "~/my.toml").output.tensorboard == str(tmp_path / "t")
    assert build_folder(config("--out", "~/y")) == tmp_path / "y"
    args = parse(["compile", "~/m", "--out", "~/e"])
    assert (args.model, args.out) == (tmp_path / "m", tmp_path / "e")
    args = parse(["data", "inspect", "mnist", "--sheet", "~/s.png"])
    assert args.sheet == tmp_path / "s.png"
    for verb in ("evaluate", "inspect", "simulate", "boards", "compare", "flash --board x", "device --port x"):
        args = vars(parse([*verb.split(), "~/m"]))
        assert tmp_path / "m" in (args.get("path"), args.get("model"), *args.get("folders", [])), verb
    for words in (["--out", "~nosuchuser/x"], ["--config", "other.toml"], ["--config", "~nosuchuser/x.toml"]):
        with pytest.raises(ConfigError, match="names a user that this machine does not have"):
            config(*words)


@pytest.mark.parametrize(
    ("prepare", "words", "code", "message"),
    [
        (
            lambda patch: patch.setitem(sys.modules, "tensorboard", None),
            ["--tensorboard", "t"],
            4,
            "TensorBoard, which --tensorboard needs, is not installed. Install it: pip install 'edgedigits[tensorboard]'",
        ),
        (
            lambda _: None,
            ["--tensorboard", "b/t"],
            2,
            "--tensorboard b/t and the build's folder b are one in the other.",
        ),
        (lambda _: None, ["--tensorboard", "."], 2, "are one in the other. Choose another --tensorboard"),
        (
            lambda _: Path("t").touch(),
            ["--tensorboard", "t"],
            3,
            "t is a file, expected a folder to write in. Choose another place.",
        ),
        (lambda _: None, ["--tensorboard", "/proc/t"], 3, "/proc/t cannot be written: No such file or directory."),
    ],
)
def test_tensorboard_is_looked_at_before_any_training(prepare, words, code, message, monkeypatch, capsys, tmp_path):
    prepare(monkeypatch)
    before = sorted(tmp_path.iterdir())
    assert main(["build", "--data", "none.csv", "--out", "b", *words]) == code
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_what_comes_next_names_what_it_needs(monkeypatch):
    assert simulate_command(Path("a b")) == "edgedigits simulate 'a b'"
    assert simulate_command(Path("b"), ["m0plus", "m3"]) == "edgedigits simulate b --core m0plus"
    assert simulate_command(Path("~a")) == "edgedigits simulate './~a'"
    monkeypatch.setitem(sys.modules, "unicorn", None)
    assert simulate_command(Path("b")) == "pip install 'edgedigits[mcu]' && edgedigits simulate b"


@pytest.mark.slow
@pytest.mark.parametrize("when", ["Training", "Converting"])
def test_ctrl_c_leaves_nothing_half_made(csv, when):
    process = command("build", "--data", str(csv), "--hidden", "12", "--epochs", "60", "-v")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(when):
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    code, out, err = outcome(process)
    assert (code, out) == (130, ""), err
    assert err.splitlines()[-1] == "edgedigits: interrupted; nothing half-made was left behind."
    assert not [path for path in Path().rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("prepare", "words", "message"),
    [
        (lambda: Path("b").write_text("x"), ["--out", "b"], "b is a file, expected a folder to write."),
        (
            lambda: Path("f").write_text("x"),
            ["--out", "f/b"],
            "f is a file, expected a folder to write in. Choose another place.",
        ),
        (lambda: None, ["--out", "/proc/b"], "/proc/b cannot be written:"),
        (lambda: None, ["--data", "no.csv"], "no.csv"),
        (lambda: None, ["--config", "no.toml"], "no.toml: no such file."),
    ],
    ids=["a file in the way", "a file as parent", "unwritable", "no data", "no config"],
)
def test_places_that_cannot_be_used_are_told_before_any_training(csv, prepare, words, message, capsys):
    prepare()
    assert main(["build", "--data", str(csv), *QUICK, *words]) == 3
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err

    assert main(["build", "--data", str(csv), *QUICK, *words, "-v"]) == 3
    assert "Training" not in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "sentence"),
    [
        (20_000, "Temporary files cannot be written: No space left on device. Make room for them"),
        (39_000, "b cannot be written: File too large"),
    ],
    ids=["converting", "writing"],
)
def test_a_full_disk_ends_a_build_with_one_sentence_and_nothing_left(csv, room, sentence):
    # A limit on the size of files stands in for the disk: both fail the write in the middle. The float model is 39.3 kB,
    # and 38.6 of it are weights, which are written on the way.
    setup = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
    code, out, err = outcome(command("build", "--data", str(csv), *QUICK, "--out", "b", setup=setup))
    assert (code, out) == (3, ""), err
    assert sentence in err and "Traceback" not in err
    assert not [path for path in Path().rglob("*") if path.is_file()]


@pytest.mark.slow
def test_a_full_disk_under_tensorboard_is_told_as_what_it_is(csv):
    setup = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    longer = ["--hidden", "8", "--epochs", "300"]
    words = ["build", "--data", str(csv), *longer, "--out", "b", "--tensorboard", "t"]
    code, out, err = outcome(command(*words, setup=setup))
    assert (code, out) == (3, "")
    sentence = "t cannot be written: File too large. Make room there, or leave --tensorboard out."
    assert err.splitlines()[-1] == f"edgedigits: error: {sentence}"
    assert not Path("b").exists()


def test_without_room_for_temporary_files_there_is_no_training(csv):
    setup = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))"
    code, out, err = outcome(command("build", "--data", str(csv), *QUICK, "--out", "b", setup=setup))
    assert (code, out) == (3, "")
    assert err.startswith("edgedigits: error: Temporary files cannot be written: File too large. Make room for them")
    assert len(err.splitlines()) == 1 and not list(Path().iterdir())


@pytest.mark.slow
def test_a_missing_library_is_named_with_the_command_that_brings_it(csv):
    setup = "import sys; sys.modules['tensorflow_model_optimization'] = None"
    code, _, err = outcome(command("build", "--data", str(csv), *QUICK, setup=setup))
    assert code == 4
    assert "tensorflow_model_optimization" in err and "pip install 'tensorflow==2.21.*'" in err


@pytest.mark.slow
def test_keras_3_in_the_same_process_is_told(csv):
    setup = "import os; os.environ['TF_USE_LEGACY_KERAS'] = '0'\nimport tensorflow as tf; tf.keras.Model"
    code, _, err = outcome(command("build", "--data", str(csv), *QUICK, setup=setup))
    assert code == 4
    assert "TF-MOT needs Keras 2. Set TF_USE_LEGACY_KERAS=1 before TensorFlow is imported" in err
