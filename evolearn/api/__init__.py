"""The Python API, for notebooks and scripts: `evolve`, `load`, `live` and `run_study`, each as ``evolearn.evolve``.

Importing this imports nothing heavy.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolearn.config import (
    STUDIES,
    ConfigError,
    RunConfig,
    WorldPart,
    check_config,
    find_config,
    read_layered,
    set_dotted,
)
from evolearn.errors import RunDirectoryError
from evolearn.files import check_name

if TYPE_CHECKING:
    from evolearn.api.evolved import Evolved
    from evolearn.api.lived import Lived
    from evolearn.api.moments import Moment
    from evolearn.api.studied import Studying
    from evolearn.study import StudyConfig

__all__ = ["evolve", "live", "load", "run_study"]


def evolve(
    config: str | Path | Mapping[str, Any] | RunConfig,
    overrides: Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    workers: int | None = None,
) -> Generator[Moment]:
    """Evolve what an agent is born with, a generation at a time: stop when you like.

    The generations are those of ``evolearn run`` with the same config, bit for bit. Nothing is written to disk unless
    `out` is given; then it becomes a run directory, up to date whenever a generation is at hand. Leave it early, and
    ``evolearn resume OUT`` goes on from there; let it end, and its DNA lies there, and ``evolearn resume OUT`` adds the
    closing table.

    Args:
        config: a YAML file, the name of a shipped config, its content as a mapping, or a checked config.
        overrides: settings that differ, by dotted key, for example ``{"search.generations": 10}``.
        out: the run directory to make.
        workers: threads for compiled worlds, processes for Gymnasium, 1 .. 4,096. Changes speed only, never results.
            None: a thread per core; Gymnasium in this process alone, since a script that starts others must do what
            it does under ``if __name__ == "__main__":``.
    Returns:
        An iterator over `evolearn.api.moments.Moment`: a generation's record, and the DNA of the centre that lived it.
        Closing it, or letting go of it, lets go of its workers.
    Raises:
        ConfigError: the config cannot be run; a line per problem.
        RunDirectoryError: `out` exists; from the first generation on: it cannot be written.
        LifeFault: the world is at fault. From the first generation on, as is the next.
        WorkerDied: a process of `workers` ended before its time.

    >>> import evolearn
    >>> toy = {"search.generations": 3, "search.population": 8, "search.selection_lifetime": 200}
    >>> for generation, dna in evolearn.evolve("cart-pole", toy):
    ...     print(generation.generation, generation.evaluations, dna.genome.shape)
    0 9 (412,)
    1 9 (412,)
    2 9 (412,)
    """
    directory = None if out is None else _new_directory(out)
    checked = _config(config, {} if overrides is None else overrides)
    from evolearn.api.moments import moments

    return moments(checked, directory, workers)


def load(path: str | Path, *, trust: bool = False) -> Evolved:
    """Read what evolution wrote.

    Args:
        path: a run directory, whose DNA is then read, or of one that is not finished, with a warning, the last centre
            that it kept; a DNA file: ``dna.safetensors``, ``dna_best.safetensors``, or one of the folder ``ancestors``;
            or a newborn that comes with evolearn, see ``evolearn zoo``: ``zoo/foal``.
        trust: run the code of parts that it names (trunk, learner, drives, encoding), also if you have never used it
            before. Its world is not looked for.
    Returns:
        The DNA with its genome, newborn, brain, config and history at hand, see `evolearn.api.evolved.Evolved`.
    Raises:
        ConfigError: `path` is no path.
        DNAError: there is none; it is no DNA file, was altered, or is of another format.
        NotTrusted: it names code that you have not used before.

    >>> import evolearn
    >>> foal = evolearn.load("zoo/foal")
    >>> foal.config.world.name, foal.genome.shape
    ('savannah', (478,))
    """
    path = _path("path", path, "the path of a run directory or of a DNA file")
    from evolearn.api.evolved import read_evolved
    from evolearn.plugins import named_by

    with named_by(path, trust):
        return read_evolved(path)


def live(
    dna: Evolved | str | Path,
    world: str | Mapping[str, Any] | WorldPart | None = None,
    lives: int = 32,
    learning: bool = True,
    *,
    parameters: Mapping[str, float] | None = None,
    lifetime: int | None = None,
    trace: bool | int = False,
    seed: int = 0,
    workers: int | None = None,
    trust: bool = False,
) -> Lived:
    """Let some DNA live, and see how it does.

    The same seed gives the same lives to every DNA, with learning and without: differences between two calls are
    differences of who lives and how, life by life. They are validation lives that no run and no study uses.

    Args:
        dna: from `load` or `evolve`; or the path that `load` takes.
        world: another world than its own, with the same observations, actions and drives: a name, or a section
            ``world`` of a config. None: as it evolved.
        lives: 1 .. 100,000, as far as their outcome fits into 4 GiB: it grows with the number of age bins
            (``evaluation.bin_steps``) and of traced steps.
        learning: whether it learns in life, as its config says; without, it does what it was born to do.
        parameters: of the world, by name, where they are to differ: from what it evolved in, or from `world`.
        lifetime: world steps in a life, 1 .. 100,000,000, see `lives`. None: that of its evolution,
            ``search.selection_lifetime``.
        trace: keep every step of every life; or a number, the first so many steps.
        seed: of the lives, 0 .. 2^32 - 1.
        workers: see `evolve`.
        trust: run the code that the DNA names, its world's among them, also if you have never used it before. A `world`
            that you give is trusted.
    Returns:
        Scores and traces, see `evolearn.api.lived.Lived`.
    Raises:
        ConfigError: an argument is out of range, the lives would not fit into memory, or the world cannot be found or
            refuses its settings.
        DNAError: there is no DNA at that path, or it cannot live in that world.
        LifeFault: the world is at fault; the text names the life and the step.
        NotTrusted: the DNA names code that you have not used before.
        WorkerDied: a process of `workers` ended before its time.

    >>> import evolearn
    >>> toy = {"search.generations": 1, "search.population": 8, "search.selection_lifetime": 200}
    >>> [(generation, dna)] = evolearn.evolve("cart-pole", toy)
    >>> lived = evolearn.live(dna, lives=4, parameters={"predictability": 1.0})
    >>> lived.scores.shape, lived.by_age.shape, lived.ages.tolist()
    ((4,), (4, 2), [100, 200])
    """
    evolved = load(dna, trust=trust) if isinstance(dna, str | Path) else dna
    from evolearn.api.lived import live_lives

    changed = {} if parameters is None else parameters
    return live_lives(evolved, world, changed, lives, learning, lifetime, trace, seed, workers, trust)


def run_study(
    config: str | Path | Mapping[str, Any] | StudyConfig,
    overrides: Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    workers: int | None = None,
) -> Studying:
    """Compare arms over several evolution runs, a job at a time, and judge.

    Verdict and tables are those of ``evolearn study`` with the same config. Nothing is kept on disk unless `out` is
    given; then it becomes a study directory with its page, and if you leave it early ``evolearn resume OUT`` goes on.

    Args:
        config: a YAML file, the name of a shipped study, its content as a mapping, or a checked config.
        overrides: settings that differ, by dotted key, for example ``{"runs": 4}``.
        out: the study directory to make.
        workers: see `evolve`.
    Returns:
        An iterator over `evolearn.study.Progress`: the job that was finished, how many are, seconds left. Its `result`
        does what is left and gives `evolearn.api.studied.Studied`: the verdict, and tables as DataFrames.
    Raises:
        ConfigError: the config cannot be run; or it is an experiment of its own, which the command line runs. From the
            first job on: it does not fit its worlds, or two arms do not differ.
        RunDirectoryError: `out` exists; from the first job on: it cannot be written.
        LifeFault: the world is at fault. From the first job on, as is the next.
        WorkerDied: a process of `workers` ended before its time.
    """
    directory = None if out is None else _new_directory(out, "study")
    name, checked = _study_config(config, {} if overrides is None else overrides)
    from evolearn.api.studied import studying

    return studying(checked, name, directory, workers)


def _study_config(
    config: str | Path | Mapping[str, Any] | StudyConfig, overrides: Mapping[str, Any]
) -> tuple[str, StudyConfig]:
    """A study's config in any of its forms, changed and checked, and what to call it."""
    from evolearn.experiments import is_experiment
    from evolearn.study import StudyConfig, check_study, read_study

    name, source = "study", "config"
    if isinstance(config, str | Path):
        path = find_config(str(config), STUDIES)
        if is_experiment(path):
            raise ConfigError(f"config={str(config)!r}: is an experiment of its own; evolearn study {config} runs it")
        name, source = path.stem, str(path)
        config = read_study(path)
    if isinstance(config, StudyConfig):
        content = config.model_dump(mode="json")
    elif isinstance(config, Mapping):
        content = copy.deepcopy(dict(config))
    else:
        raise ConfigError(
            f"config={config!r}: must be a YAML file, the name of a shipped study, a mapping or a StudyConfig"
        )
    return name, check_study(_overridden(content, overrides), source)


def _overridden(content: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A config's content with settings that differ, by dotted key; changed in place."""
    if not isinstance(overrides, Mapping):
        raise ConfigError(
            f'overrides={overrides!r}: must be a mapping from dotted keys, such as {{"search.generations": 2}}'
        )
    for key, value in overrides.items():
        set_dotted(content, str(key).split("."), value, f"overrides: {key}")
    return content


def _path(name: str, value: Any, meaning: str) -> Path:
    """An argument that is to be a path."""
    if not isinstance(value, str | Path) or not str(value):
        raise ConfigError(f"{name}={value!r}: must be {meaning}")
    return Path(value)


def _new_directory(out: Any, kind: str = "run") -> Path:
    """A directory that is to be made; one that exists is refused now, not after the first generation."""
    path = _path("out", out, f"the path of the {kind} directory to make, or None")
    check_name(f"out={path}", path)
    if path.exists():
        remedy = f"evolearn resume {path} continues it" if (path / f"{kind}.json").exists() else "name another"
        several = {"run": "runs", "study": "studies"}[kind]
        raise RunDirectoryError(f"out={path}: exists already, and {several} are never overwritten; {remedy}")
    return path


def _config(config: str | Path | Mapping[str, Any] | RunConfig, overrides: Mapping[str, Any]) -> RunConfig:
    """A config in any of its forms, changed and checked."""
    source = "config"
    if isinstance(config, RunConfig):
        content = config.model_dump(mode="json")
    elif isinstance(config, Mapping):
        content = copy.deepcopy(dict(config))
    elif isinstance(config, str | Path):
        path = find_config(str(config))
        source, content = str(path), read_layered(path)
    else:
        raise ConfigError(
            f"config={config!r}: must be a YAML file, the name of a shipped config, a mapping or a RunConfig"
        )
    return check_config(_overridden(content, overrides), source)
