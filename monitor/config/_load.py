"""Loads a configuration file, or reports all of its problems."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from monitor.config import _files
from monitor.config._catalogue import Catalogue, catalogue
from monitor.config._checks import Codec, check
from monitor.config._complete import complete
from monitor.config._document import ConfigDocument
from monitor.config._errors import ConfigError, Problem, RefusedError
from monitor.config._interpolate import interpolate
from monitor.config._prices import known_price
from monitor.config._resolve import Lookups, resolve
from monitor.config._schema import DEFAULT_PROBES
from monitor.config._source import parse
from monitor.config._types import KnownNames
from monitor.config._validate import validate
from monitor.config._warnings import warnings
from monitor.config._yaml import position_in
from monitor.config.model import Config
from monitor.config.options import NO_EXTENSIONS, Extensions
from probes import _loader
from probes._model import Probe

_LONGEST = 16 * 1024 * 1024
_PLACES = (Path("providerwatch.yaml"), Path("/etc/providerwatch/providerwatch.yaml"))


def default_path(env: Mapping[str, str], places: Sequence[Path] = _PLACES) -> Path:
    """The default file: $PROVIDERWATCH_CONFIG, else the first of `places` that exists, else the first of them."""
    if env.get("PROVIDERWATCH_CONFIG"):
        return Path(env["PROVIDERWATCH_CONFIG"])
    return next((place for place in places if _is_there(place)), places[0])


def _is_there(path: Path) -> bool:
    """Whether the file exists. True if access is denied, so that the user sees that error."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def load(
    path: Path,
    env: Mapping[str, str],
    extensions: Extensions = NO_EXTENSIONS,
    *,
    available: Callable[[], tuple[str, ...]] = _loader.available,
    codec: Codec = _loader.codec,
    known: Callable[[], Catalogue] = catalogue,
    at: datetime | None = None,
) -> Config:
    """Load a configuration file. Raises ConfigError with all problems at once.

    `extensions`: the sinks and formats that the file may use. `at`: the date for prices that the file does not
    contain; None: now.
    """
    providers, made, price = known(), _remembered(codec), partial(known_price, at=at or datetime.now(UTC))
    document = complete(interpolate(parse(_text(path), str(path)), env), providers, env)
    apis, folder = available(), _folder(path)
    names = KnownNames(
        apis=apis,
        providers=_providers(document, providers),
        probes=_probes(document),
        sinks=extensions.sinks,
        formats=extensions.formats,
        folder=folder,
    )
    file, problems = validate(document, names)
    everything = (*document.problems, *problems, *check(document, names, made, price))
    if file is None or everything:
        raise ConfigError(everything)
    found = resolve(file, Lookups(codec=made, price=price, folder=folder))
    return replace(found, warnings=tuple(warnings(document, env, names)))


def _folder(path: Path) -> Path:
    """The base folder of relative paths: the folder of the file; the current folder if the file is a pipe."""
    return path.absolute().parent if path.is_file() else Path.cwd()


def _remembered(codec: Codec) -> Codec:
    """Cache codecs. Codecs are immutable, loading one takes a millisecond, and thousands of endpoints may share one."""
    codecs: dict[str, Probe] = {}

    def make(api: str, options: Mapping[str, object]) -> Probe:
        key = f"{api} {options!r}"
        if key not in codecs:
            codecs[key] = codec(api, options)
        return codecs[key]

    return make


def _text(path: Path) -> str:
    try:
        content = _files.read(path, _LONGEST)
    except RefusedError as refused:
        message = f"{refused.message}; pass -c FILE or set PROVIDERWATCH_CONFIG"
        raise ConfigError([Problem(file=str(path), message=message)]) from None
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        position = position_in(before, len(before))
    raise ConfigError([Problem(file=str(path), position=position, message="not UTF-8 text; save the file as UTF-8")])


def _providers(document: ConfigDocument, catalogue: Catalogue) -> Collection[str] | None:
    """The names of all providers, including invalid ones; None if they cannot be read."""
    providers = document.at(("providers",))
    return {**providers, **catalogue.providers} if isinstance(providers, Mapping) else None


def _probes(document: ConfigDocument) -> Collection[str] | None:
    """The names of all probes, including invalid ones; None if they cannot be read."""
    probes = document.mapping().get("probes", DEFAULT_PROBES)
    return probes if isinstance(probes, Mapping) else None
