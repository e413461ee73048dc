"""The Arduino library: arduino-lint's rules, both sketches on this machine, and the serial one on an emulated Uno."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.collect.monitor import parse_seen
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import fitted
from tests.devices.emitted_engine import write_emitted_engine
from tests.engine.compilers import available
from tests.engine.engine_program import run as run_command
from tests.exports.engines import EACH_KIND, KINDS, PORTIONS, PREFIX, Made, as_text, export

HERE = Path(__file__).parent
# Of arduino-lint: rules on names, and fields that the Library Manager wants.
CATEGORIES = {
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage"),
    *("Data Processing", "Other"),
}


@pytest.fixture(scope="module")
def libraries(builds: Made, tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("libraries")
    return Made(lambda name: export(builds[name], "arduino", root / name / PREFIX))


def properties(library: Path) -> dict[str, str]:
    lines = (library / "library.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_it_keeps_the_rules_of_arduino_lint(libraries: Made) -> None:
    library = libraries["in portions"]
    said = properties(library)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", said["name"]) and " " not in said["name"]
    assert not said["name"].lower().startswith("arduino") and said["name"] == library.name
    assert re.fullmatch(r"\d+\.\d+\.\d+", said["version"])
    assert all(said[name] for name in ("author", "maintainer", "sentence", "paragraph", "url", "architectures"))
    assert said["category"] in CATEGORIES and said["url"].startswith("https://")
    assert (library / "src" / said["includes"]).is_file()
    assert not said["paragraph"].startswith(said["sentence"])
    for sketch in (library / "examples").iterdir():
        assert (sketch / f"{sketch.name}.ino").is_file()
    for line in (library / "keywords.txt").read_text().splitlines():
        assert re.fullmatch(r"\w+\t(KEYWORD1|KEYWORD2|LITERAL1)", line)
    relative = [path.relative_to(library) for path in library.rglob("*")]
    assert all(re.fullmatch(r"[\w./-]+", path) and len(path) < 64 for path in map(str, relative))
    declared = "".join(path.read_text() for path in (library / "src").glob("*.h"))
    for line in (library / "keywords.txt").read_text().splitlines():
        assert line.split("\t")[0] in declared


def test_architectures_are_those_that_it_is_for(builds: Made, tmp_path: Path) -> None:
    """AVR has 16 bits for places in an array, and an Uno some memory: of both the engine's facts tell."""
    shutil.copytree(builds["in portions"], tmp_path / "large")
    facts = json.loads((tmp_path / "large" / "engine" / f"{PREFIX}.json").read_text())
    facts["steps"][0]["stored"]["plain"]["bytes"][f"{PREFIX}_layer1_weights"] = 0x8000
    facts["weight_bytes"] = 0x8000
    (tmp_path / "large" / "engine" / f"{PREFIX}.json").write_text(json.dumps(facts))
    for name, folder in (("small", builds["in portions"]), ("large", tmp_path / "large")):
        library = export(folder, "arduino", tmp_path / f"{name}-arduino")
        assert ("avr" in properties(library)["architectures"].replace("*", "avr")) == (name == "small")
        project = export(folder, "platformio", tmp_path / f"{name}-platformio")
        assert ("board = uno" in (project / "platformio.ini").read_text()) == (name == "small")


def test_a_name_that_begins_as_arduinos_own_gets_another(tmp_path: Path) -> None:
    write_emitted_engine(tmp_path, PORTIONS.model, encodings=PORTIONS.encodings, prefix="arduino_digits")
    library = export(tmp_path, "arduino", tmp_path / "out")
    assert properties(library)["name"] == "edgedigits_arduino_digits"


def built(library: Path, sketch: str, folder: Path) -> Path:
    """Compile and link a sketch with the library for this machine; return the program."""
    objects, includes = [], [f"-I{library / 'src'}", f"-I{HERE / 'arduino'}"]
    for source in (library / "src").glob("*.c"):
        objects.append(str(folder / f"{source.stem}.o"))
        run_command([*available(["gcc"]), "-O1", "-c", str(source), "-o", objects[-1]])
    code = library / "examples" / sketch / f"{sketch}.ino"
    (folder / "sketch.cpp").write_text(f'#include <Arduino.h>\n#line 1 "{sketch}.ino"\n{code.read_text()}')
    flags = ["-std=gnu++17", "-Wall", "-Wextra", "-Werror", '-DSKETCH="sketch.cpp"', f"-I{folder}", *includes]
    program = folder / sketch
    main = str(HERE / "arduino" / "run_sketch.cpp")
    run_command([*available(["g++"]), *flags, main, *objects, "-o", str(program)])
    return program


@pytest.mark.parametrize("name", EACH_KIND)
def test_the_serial_sketch_answers_with_class_lead_and_scores(
    name: str, libraries: Made, five_thousand: Digits, tmp_path: Path
) -> None:
    images = five_thousand.images[::500]
    program = built(libraries[name], "SerialDigit", tmp_path)
    done = subprocess.run([program], input=as_text(images), capture_output=True, timeout=60, check=True)
    assert done.stdout.decode().splitlines() == ["ready", *KINDS[name].said(images)]


def strokes(columns: list[tuple[int, int]]) -> str:
    """Return what a touch screen says while a pen goes along squares of the paper, and is lifted for long."""
    places = [(8 + 4 * x + 2, 8 + 4 * y + 2) for x, y in columns]
    raw = [f"{300 + x * 3500 // 240 + 7} {300 + y * 3500 // 320 + 6}\n" for x, y in places]
    return "".join(raw) + "-\n" * 700


@pytest.mark.parametrize("name", EACH_KIND)
def test_what_is_drawn_is_fitted_and_classified(name: str, libraries: Made, tmp_path: Path) -> None:
    seven = [(12, 10), (40, 10), (24, 50)]
    program = built(libraries[name], "DrawDigit", tmp_path)
    below = "300 3700\n-\n"
    beside = strokes([(59, 20), (59, 30)])  # the paper has 56 squares a side: there is nothing to answer
    pen = strokes([(5, 5), (50, 50)]) + below + beside + strokes(seven)
    done = subprocess.run([program], input=pen, capture_output=True, timeout=60, text=True, check=True)
    *seen, paper = done.stdout.splitlines()
    picture: NDArray[np.uint8] = np.frombuffer(bytes.fromhex(paper), np.uint8).reshape(1, 56, 56)
    assert 300 < np.count_nonzero(picture) < 700, "a line of five squares' width; the first is gone"
    [expected] = KINDS[name].said(fitted(picture))
    digit, lead = re.findall(r"(?:refused|digit (\d)), lead (\d+)", expected)[0]
    assert done.stderr.endswith(f"{digit or '?'} lead {lead}")
    told = [parse_seen(line, number) for number, line in enumerate(seen, start=1)]
    assert len(told) == 2 and told[1] is not None, "`collect --port` takes what it prints"
    assert told[1].digit == (int(digit) if digit else None)
    np.testing.assert_array_equal(told[1].image, fitted(picture)[0])


@pytest.mark.slow
def test_an_uno_answers_over_its_serial_port(libraries: Made, five_thousand: Digits, tmp_path: Path) -> None:
    """From sketch to answer: the real Arduino core, its serial port in simavr, classes and scores of the interpreter."""
    makefile = Path("/usr/share/arduino/Arduino.mk")
    if not makefile.is_file() or not Path("/usr/include/simavr").is_dir():
        pytest.skip("needs arduino-mk, arduino-core-avr and libsimavr-dev")
    sketch = tmp_path / "SerialDigit"
    shutil.copytree(libraries["in portions"], tmp_path / "libraries" / PREFIX)
    shutil.copytree(libraries["in portions"] / "examples" / "SerialDigit", sketch)
    # GCC 5.4's headers lack that constant.
    choices = {"BOARD_TAG": "uno", "ARDUINO_LIBS": PREFIX, "USER_LIB_PATH": tmp_path / "libraries"}
    lines = [*(f"{name} = {value}" for name, value in choices.items()), "CPPFLAGS += -DDECIMAL_DIG=9"]
    (sketch / "Makefile").write_text("\n".join([*lines, f"include {makefile}", ""]))
    run_command(["make", "-C", str(sketch)])
    elf = sketch / "build-uno" / "SerialDigit_.elf"
    uno = str(tmp_path / "uno")
    run_command([*available(["gcc"]), "-O2", str(HERE / "uno.c"), "-o", uno, "-lsimavr"])
    images = five_thousand.images[::400]
    done = subprocess.run(
        [uno, str(elf), str(len(images) + 1)], input=as_text(images), capture_output=True, timeout=60, check=True
    )
    assert done.stdout.decode().splitlines()[-len(images) - 1 :] == ["ready", *PORTIONS.said(images)]
    sizes = subprocess.run(["avr-size", "-A", str(elf)], capture_output=True, text=True, check=True).stdout
    ram = sum(int(size) for size in re.findall(r"^\.(?:data|bss)\s+(\d+)", sizes, re.MULTILINE))
    assert ram < 1024, "the weights are in flash alone"
