"""Writes an export: a folder or an archive, whole or not at all."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgedigits.errors import ConfigError, DataError
from edgedigits.exports.declaration import Export
from edgedigits.exports.library import Library, find_library
from edgedigits.html_table import html_table

_TEMPLATES = Path(__file__).parent / "templates"
_ARCHIVES = (".zip", ".pack")
# The first that the format knows: the same files give the same archive.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        place: the folder or the archive.
        to: the kind of export.
        files: paths in it.
        then: what to do with it.
    """

    place: Path
    to: str
    files: tuple[str, ...]
    then: str

    def _repr_html_(self) -> str:
        files = f"{len(self.files)}: {', '.join(self.files)}"
        return html_table((), (("as", self.to), ("in", str(self.place)), ("files", files), ("then", self.then)))


def write_export(
    folder: Path, export: Export, out: Path | None = None, *, self_test: bool = True, force: bool = False
) -> Exported:
    """Write the engine of a build as an ecosystem wants it.

    Args:
        folder: of a build, or any that holds an emitted engine.
        export: as what.
        out: a folder, or a file that ends in .zip; by default one in `export/`, named after the engine.
        self_test: the engine's self-test goes along.
        force: replace an archive; a folder never is.

    Raises:
        ConfigError: no tool would take an archive of that name, or a folder is to be replaced.
        DataError: there is no engine, it is of an older version, or the place is taken or cannot be written.
        UnsupportedModelError: it classifies no digits.
    """
    from edgedigits.devices.stub import find_engine

    library = find_library(find_engine(folder), self_test=self_test)
    place = _place(export, library, out)
    is_archive = place.suffix in _ARCHIVES
    if force and not is_archive:
        raise ConfigError("--force replaces an archive, and no folder.", hint="Leave it out.")
    root = library.engine.prefix if is_archive else place.name
    files = render_export(export, library, root)
    if is_archive:
        _write_archive(place, files, "" if export.archive else root, force=force)
    else:
        _write_folder(place, files)
    return Exported(place, export.name, tuple(sorted(files)), export.then.format(folder=root, **library.names()))


def render_export(export: Export, library: Library, folder: str) -> dict[str, bytes]:
    """Return all files of an export by path in a folder of that name."""
    from edgedigits.engine.render import text_templates

    templates, facts, names = text_templates(_TEMPLATES), library.facts(export, folder), library.names()
    sources = PurePosixPath(export.sources.format(**names))
    made = {path.format(**names): f"{export.name}/{path}" for path in export.files}
    if export.reader:
        made |= {str(sources / name): f"shared/reader{Path(name).suffix}" for name in library.reader_files}
    made["README.md"] = "shared/README.md"
    texts = {path: templates.get_template(f"{name}.j2").render(**facts) for path, name in made.items()}
    files = {path: text.encode() for path, text in texts.items()}
    files["VERSION"] = f"{names['version']}\n".encode()
    for name in library.engine_files:
        files[str(sources / name)] = (library.engine.folder / name).read_bytes()
    return files


def _place(export: Export, library: Library, out: Path | None) -> Path:
    archive = export.archive.format(**library.names())
    if out is None:
        return Path("export") / export.name / (archive or library.engine.prefix)
    if out.suffix in _ARCHIVES and out.name != archive and (archive or out.suffix == ".pack"):
        named = f"has to be called {archive}" if archive else f"is nothing that --to {export.name} writes"
        other = "" if archive else ", or a file that ends in .zip"
        raise ConfigError(f"{out} {named}.", hint=f"Give a folder{other}.")
    return out


def _write_folder(place: Path, files: Mapping[str, bytes]) -> None:
    from edgedigits.artifacts import new_folder
    from edgedigits.build_folder import EXPORT

    if place.is_dir() and any(place.iterdir()):
        raise DataError(f"{place} exists already, and no export replaces a folder.", hint="Choose another --out.")
    with new_folder(place, force=False, kind=EXPORT) as partial:
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)


def _write_archive(place: Path, files: Mapping[str, bytes], root: str, *, force: bool) -> None:
    from edgedigits.data.writing import replacing
    from edgedigits.files.scratch import parents_of

    try:
        with parents_of(place), replacing(place, force=force) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(str(PurePosixPath(root, name)), _TIME)
                entry.external_attr, entry.compress_type = _MODE, zipfile.ZIP_DEFLATED
                archive.writestr(entry, files[name])
    except OSError as error:
        raise DataError(
            f"{place} cannot be written: {error.strerror or error}.", hint="Choose another --out."
        ) from error
