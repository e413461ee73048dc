"""Libraries, by what pip knows of them: nothing is imported, so that a broken one cannot take this program down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from edgedigits.doctor.finding import Finding, State, fine
from edgedigits.extras import LITERT, OPTIONAL, OTHERS, TRAINING, install_command, pip_command

_NEEDED = {**TRAINING, **LITERT, **OTHERS}
_RIVALS = ("tensorflow-cpu", "tensorflow-gpu", "tensorflow-rocm", "intel-tensorflow", "tf-nightly", "tf-nightly-cpu")
"""They write into the folder of the package tensorflow: to remove one of two takes files of the other."""


def examine_libraries() -> Iterator[Finding]:
    """Say how it is with what every build needs."""
    for area, packages in (("training", TRAINING), ("runtimes", LITERT)):
        for name in packages:
            yield _needed(area, name, packages)
    yield from _rivals()
    others = [_needed("libraries", name, OTHERS) for name in OTHERS]
    bad = [one for one in others if one.state is not State.FINE]
    yield from bad or [fine("libraries", "the others", f"all {len(others)} as needed")]
    yield from _conflicts()


def examine_extras() -> Iterator[Finding]:
    """Say how it is with what only some verbs need."""
    for extra, packages in OPTIONAL.items():
        area = "runtimes" if extra == "tflm" else "extras"
        for name, wanted in packages.items():
            found, problem = _version(name, wanted)
            if not problem:
                yield fine(area, name, found)
            else:
                yield Finding(area, name, _state(found), problem, install_command(extra))


def _needed(area: str, name: str, packages: Mapping[str, str]) -> Finding:
    found, problem = _version(name, packages[name])
    if not problem:
        return fine(area, name, found)
    together = TRAINING if name in TRAINING else {name: packages[name]}
    return Finding(area, name, _state(found), problem, pip_command(together), stops_build=True)


def _version(name: str, wanted: str) -> tuple[str, str]:
    """Return the version of a package, empty where it is not installed, and what is wrong with it, if anything is."""
    from packaging.specifiers import SpecifierSet

    try:
        found = version(name)
    except PackageNotFoundError:
        return "", "not installed"
    if not SpecifierSet(wanted).contains(found, prereleases=True):
        return found, f"{found}, needed {wanted}"
    if name in {**TRAINING, **LITERT} and not _is_whole(name.replace("-", "_")):
        return found, f"{found} by name, but its files are gone"
    return found, ""


def _is_whole(module: str) -> bool:
    # What is left of a folder without its __init__.py is found as well, but has no origin.
    spec = find_spec(module)
    return spec is not None and spec.origin is not None


def _state(found: str) -> State:
    return State.WRONG if found else State.ABSENT


def _rivals() -> Iterator[Finding]:
    for name in _RIVALS:
        try:
            there = version(name)
        except PackageNotFoundError:
            continue
        remedy = f"pip uninstall {name} tensorflow, then {pip_command(TRAINING)}"
        yield Finding(
            "training", name, State.WRONG, f"{there}: shares its folder with tensorflow", remedy, stops_build=True
        )


def _conflicts() -> Iterator[Finding]:
    """Hold all that the libraries themselves ask for against what is there."""
    for asker, name, wanted in _asked():
        found, problem = _version(name, wanted)
        # What this toolkit asks for itself was told, and mlxtend's scikit-learn is never imported.
        told = name in _NEEDED and bool(_version(name, _NEEDED[name])[1])
        if problem and not told and (found or asker != "mlxtend"):
            remedy = pip_command({name: wanted})
            yield Finding("libraries", name, _state(found), f"{problem}, by {asker}", remedy, stops_build=not found)


def _asked() -> Iterator[tuple[str, str, str]]:
    """Return who asks for what in which versions, over all that is needed and what that needs."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    seen, waiting = set(_NEEDED), list(_NEEDED)
    while waiting:
        asker = waiting.pop()
        for one in map(Requirement, _requirements(asker)):
            name = canonicalize_name(one.name)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                yield asker, name, str(one.specifier)
                waiting += {name} - seen
                seen.add(name)


def _requirements(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []
