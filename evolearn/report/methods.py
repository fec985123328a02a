"""A methods paragraph, written from the config, the verdict and the environment of a study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evolearn.report.study_files import Json, StudyResults
from evolearn.report.texts import parameters_in_words, quantity


def methods_paragraph(results: StudyResults) -> str:
    """What a paper's methods section has to say about a study, in sentences.

    Args:
        results: of the study.
    """
    return " ".join([*_design(results), *_statistics(results), *_versions(results.environment)])


def _design(results: StudyResults) -> Iterator[str]:
    verdict, study = results.verdict, results.verdict["study"]
    conditions = [
        f"{row['name']} ({', '.join(filter(None, (row['world'], parameters_in_words(row['parameters']))))})"
        for row in verdict["conditions"]
    ]
    arms = [f"{arm} ({about['doc']})" for arm, about in verdict["arms"].items()]
    yield (
        f"{_count(len(arms), 'arm')} were compared under {_count(len(conditions), 'condition')}: "
        f"{'; '.join(conditions)}. "
        f"The arms were {'; '.join(arms)}."
    )
    yield (
        f"The statistical unit is the independent evolution run: {_count(study['runs'], 'run')} per arm and condition, "
        f"each judged on {study['test_lives']} test lives that no search has seen and that are the same for all arms "
        f"(seed {study['seed']})."
    )
    selection = sorted({row["selection_lifetime"] for row in verdict["conditions"]})
    yield (
        f"Genomes were selected on lives of {_steps(selection)} world steps and judged on lives of "
        f"{_steps(verdict['lifetimes'])}; birth scores are those of the first {verdict['birth_steps']} steps with "
        "learning switched off."
    )
    yield from _search(_part(results.config, "run"))
    yield "Brains are memoryless: what they learn is in their weights alone."
    extended = [row for row in study["extended"] if row["verdict_seen"]]
    if extended:
        steps = ", ".join(f"from {row['runs_before']} to {row['runs_after']} runs" for row in extended)
        yield f"The study was extended after its verdict had been seen ({steps}): optional stopping inflates errors."


def _search(run: Json) -> Iterator[str]:
    search, brain = _part(run, "search"), _part(run, "brain")
    told = {
        "population": "a population of {}",
        "generations": "{} generations",
        "lives": "{} lives per genome and generation",
    }
    parts = [text.format(search[name]) for name, text in told.items() if name in search]
    if "algorithm" in search:
        yield f"Evolution was {str(search['algorithm']).upper()} with {', '.join(parts)}, equal for all evolving arms."
    if "hidden" in brain:
        yield f"Brains were tanh networks with hidden layers of {', '.join(map(str, brain['hidden']))} units."
    learner = _part(run, "learner")
    if "window" in learner:
        yield f"Learning within a life was an actor-critic that updates every {learner['window']} steps."


def _statistics(results: StudyResults) -> Iterator[str]:
    study = results.verdict["study"]
    contrasts = [c for row in results.verdict["conditions"] for c in (row["primary"], *row["secondary"])]
    tests = sorted({contrast["test"] for contrast in contrasts if not contrast["withheld"]})
    withheld = sorted({contrast["withheld"] for contrast in contrasts if contrast["withheld"]})
    primaries = dict.fromkeys(
        f"{row['primary']['metric']} of {row['primary']['arm']} against {row['primary']['against']}"
        for row in results.verdict["conditions"]
    )
    sha256 = study.get("first_config_sha256", study["config_sha256"])
    yield (
        f"The primary contrast, named before the first run (config sha256 {sha256}), was "
        f"{'; '.join(primaries)}, tested at {study['level']:g}; secondary contrasts were corrected after Holm."
    )
    if tests:
        yield f"Tests: {'; '.join(tests)}."
    if withheld:
        yield f"Tests withheld: {'; '.join(withheld)}."
    yield (
        "Values are interquartile means over runs with stratified bootstrap intervals over runs, then paired lives "
        f"({quantity(study['resamples'], 'world steps')} resamples); times never reached are censored at the longest "
        f"lifetime; equivalence was claimed only by an equivalence test ({_margins(results.config)})."
    )
    if study["exploratory"]:
        yield "With fewer than ten runs per arm the study is exploratory."


def _margins(config: Json) -> str:
    margins = ", ".join(f"{metric} {margin:g}" for metric, margin in _part(config, "margins").items())
    return f"margins: {margins}" if margins else "no margins were stated"


def _versions(environment: Json) -> Iterator[str]:
    packages = ", ".join(f"{name} {version}" for name, version in _part(environment, "packages").items() if version)
    yield f"Software: Python {environment.get('python', 'of unknown version')}, {packages}."
    yield commit_in_words(environment.get("commit"))


def commit_in_words(commit: Any) -> str:
    """The commit of the source in a sentence; a plus sign at its end marks a changed working tree."""
    if not commit:
        return "The commit of the source is unknown (installed without a checkout)."
    if str(commit).endswith("+"):
        return f"Source: commit {str(commit)[:-1]}, with uncommitted changes (dirty working tree)."
    return f"Source: commit {commit}, clean working tree."


def _part(content: Json, name: str) -> Json:
    part = content.get(name)
    return part if isinstance(part, dict) else {}


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _steps(values: list[int]) -> str:
    texts = [quantity(value, "world steps") for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
