"""Python files of the user's own: imported with what lies beside them, their classes known again by a digest."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from harness.errors import HarnessError
from harness.model import Source

# The modules of files that were loaded by their path begin with this.
BY_PATH = "deploydrill_scenario_"
# What was loaded: a class is found again, however often its file is edited meanwhile.
_SOURCES: dict[type, Source] = {}


class Missing(HarnessError):
    """A class of the user's own is not at hand as it was recorded."""


class _Beside:
    """Finds what modules of a folder may import from it: files whose name begins with ``_``, and packages. What is
    installed under the same name is found before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if path is None and (name.startswith("_") or (self._folder / name).is_dir()):
            return PathFinder.find_spec(name, [str(self._folder)])
        return None


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Within it, files of ``folder`` that begin with ``_`` and its packages can be imported. Afterwards their names are
    free again: another folder may have some of the same."""
    finder, known = _Beside(folder), set(sys.modules)
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - known:
            if _file(sys.modules[name]).is_relative_to(folder):
                _remember(sys.modules[name], folder)
                if not name.startswith(BY_PATH):
                    del sys.modules[name]


def load_file(file: Path) -> ModuleType:
    """The module in ``file``, with what lies beside it; raises whatever it raises."""
    file = file.resolve()  # as it is recorded: who reads that stands in another directory
    name = f"{BY_PATH}{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None, file
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses of the module look themselves up there
    with beside(file.parent):
        spec.loader.exec_module(module)
    _remember(module, file.parent)
    return module


def source_of(cls: type) -> Source | None:
    """Where a class comes from; None where nobody could find it again (it is no name of its module)."""
    if cls not in _SOURCES and (module := sys.modules.get(cls.__module__)) is not None:
        _remember(module, None)
    return _SOURCES.get(cls)


def load_class(source: Source, folders: Sequence[Path] = ()) -> type:
    """The class as it was recorded: from its file, or from one of that name below ``folders``. Missing, where none has
    the digest; raises whatever the file raises."""
    for cls, known in _SOURCES.items():
        if (known.name, known.digest, Path(known.file).name) == (source.name, source.digest, Path(source.file).name):
            return cls
    own = Path(source.folder or Path(source.file).parent)
    inner = Path(source.file).relative_to(own)
    folder = next((f.resolve() for f in (own, *folders) if digest_of(f / inner) == source.digest), None)
    if folder is None:
        why = f"{source.file} is not there any more" if not Path(source.file).exists() else f"{source.file} has changed"
        raise Missing(f"load {source.name}", why, f"put the file back as it was (digest {source.digest})")
    if source.module.startswith(BY_PATH):
        module = load_file(folder / inner)
    elif source.folder:
        with beside(folder):
            module = importlib.import_module(source.module)
    else:
        module = importlib.import_module(source.module)
    found = getattr(module, source.name, None)
    if not isinstance(found, type) or digest_of(_file(module)) != source.digest:
        raise Missing(f"load {source.name}", f"what {source.module} is now has no such class", "put it back as it was")
    return found


def digest_of(file: Path) -> str:
    """By which a file is known again; empty when it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _remember(module: ModuleType, folder: Path | None) -> None:
    file = _file(module)
    for name, value in list(vars(module).items()):
        if isinstance(value, type) and value.__module__ == module.__name__ and value not in _SOURCES:
            place = "" if folder is None else str(folder)
            _SOURCES[value] = Source(name, str(file), module.__name__, place, digest_of(file))


def _file(module: ModuleType) -> Path:
    return Path(getattr(module, "__file__", None) or "/")
