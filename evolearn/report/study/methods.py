"""A methods paragraph, written from the config, the verdict and the environment of a study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evolearn.config import dotted
from evolearn.report._files import Json
from evolearn.report.study.files import StudyResults
from evolearn.report.texts import commit_in_words, extension_in_words, parameters_in_words, quantity

_ALGORITHMS = {
    "pgpe": "PGPE",
    "snes": "SNES",
    "xnes": "XNES",
    "cem": "the cross-entropy method",
    "cmaes": "CMA-ES",
    "genetic": "a genetic algorithm",
    "clone": "cloning (behaviour cloning, or DAgger: Ross, Gordon and Bagnell 2011)",
    "maml": "MAML (Finn, Abbeel and Levine 2017, arXiv:1703.03400)",
    "reptile": "Reptile (Nichol, Achiam and Schulman 2018, arXiv:1803.02999)",
}


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
        f"(seed {study['seed']}){_one_life(verdict['arms'])}."
    )
    selection = sorted({row["selection_lifetime"] for row in verdict["conditions"]})
    yield (
        f"Genomes were selected on lives of {_steps(selection)} world steps and judged on lives of "
        f"{_steps(verdict['lifetimes'])}; birth scores are those of the first {verdict['birth_steps']} steps with "
        f"learning switched off{_first_bodies(verdict['conditions'])}."
    )
    yield from _search(results)
    yield from _brain(_part(results.config, "run"))
    yield from _teacher(_part(_part(results.config, "run"), "teacher"))
    yield "Brains are memoryless: what they learn is in their weights alone."
    for change in study.get("extended", []):
        yield extension_in_words(change)


def _teacher(teacher: Json) -> Iterator[str]:
    """Who taught, how, and whether it saw what its pupils did not."""
    if not teacher:
        return
    oracle = teacher.get("source") == "oracle"
    who = "the world's oracle" if oracle else f"a newborn of DNA that never learned ({teacher.get('source')})"
    how = (
        "asked what it would do where its pupil was"
        if teacher.get("mode") == "asked"
        else "watched as it acted in its pupil's place, in steps that earned the pupil nothing"
    )
    sees = "privileged: it knew what its pupils could not see" if oracle else "it saw what its pupils saw"
    yield f"Lives that learn were taught, where nothing else is said, by {who}, {how}; {sees}. Its steps are charged."


def _first_bodies(conditions: list[Json]) -> str:
    """What a birth score counts where termination is a death, which may be under some conditions only."""
    dying = [row["name"] for row in conditions if row.get("termination_is_death")]
    if not dying:
        return ""
    where = "" if len(dying) == len(conditions) else f" under {', '.join(dying)}"
    return f", and{where} of the first body alone: steps after its death count 0"


def _one_life(arms: Json) -> str:
    lives = [
        f"{arm} was judged in one life per run, as long as all of the evolution of {about.get('origin')}"
        for arm, about in arms.items()
        if about.get("one_life")
    ]
    return f"; {'; '.join(lives)}" if lives else ""


def _search(results: StudyResults) -> Iterator[str]:
    """The search that the evolving arms share, then what was different in some arms and under some conditions."""
    search = _part(_part(results.config, "run"), "search")
    told = {
        "population": "a population of {}",
        "generations": "{} generations",
        "lives": "{} lives per genome and generation",
    }
    parts = [text.format(search[name]) for name, text in told.items() if name in search]
    if "algorithm" in search:
        doubled = any(row.get("doubled") for row in results.verdict["conditions"])
        yield (
            f"Evolution, where nothing else is said, was {_algorithm(search['algorithm'])} with {', '.join(parts)}; "
            f"{_budgets(results.verdict)}{', twice as many where a budget was doubled' if doubled else ''}."
        )
    for arm, about in results.verdict["arms"].items():
        if about.get("tuning_steps"):
            yield (
                f"The settings of {arm} were searched before the study, at a cost of {about['tuning_steps']:,} world "
                "steps."
            )
    restarts = search.get("restart", "none")
    if restarts != "none":
        twice = ", each time with twice the population" if restarts == "ipop" else ""
        yield (
            f"A search that stagnated began again{twice}, all restarts within the same number of steps; the result is "
            "that of the best restart on validation lives."
        )
    apart = {arm: "; ".join(_own_evolution(about, restarts)) for arm, about in results.verdict["arms"].items()}
    listed = [f"{arm} ({words})" for arm, words in apart.items() if words]
    if listed:
        yield f"Arms with settings of their own: {', '.join(listed)}."
    yield from _set_by_conditions(results.config)


def _budgets(verdict: Json) -> str:
    """What the evolutions of a condition cost, one beside the other."""
    for condition in verdict["conditions"]:
        steps = {arm: entry["outer_steps"] for arm, entry in condition["arms"].items() if entry.get("outer_steps")}
        if len(set(steps.values())) > 1:
            listed = ", ".join(f"{arm} {count:,}" for arm, count in steps.items())
            return (
                "no evolving arm had more outer world steps than the arm that it is compared with (under "
                f"{condition['name']}: {listed})"
            )
    return "the same number of outer world steps for all evolving arms of a condition"


def _own_evolution(about: Json, restarts: str) -> Iterator[str]:
    """What one arm's evolution does not share with the others, in words."""
    settings = dotted(_part(about, "settings"))
    if "search.algorithm" in settings:
        yield _algorithm(settings.pop("search.algorithm"))
    if settings.get("search.options") == {}:
        del settings["search.options"]
        yield "the algorithm's default options"
    if settings.get("search.restart") == restarts:
        del settings["search.restart"]
    if about.get("teacher"):
        yield _taught(about["teacher"], settings.get("search.options.age", 0))
    if about.get("start"):
        yield f"starting from where {about['start']} had come to"
    yield from (f"{key} = {_value(value)}" for key, value in settings.items())
    if about.get("inheritance") == "lamarckian":
        yield "Lamarckian: offspring inherit weights as learned in life"


def _taught(teacher: str, age: int) -> str:
    """Who taught, and what it knew that its pupil did not."""
    if teacher == "oracle":
        return "taught by the world's oracle, a privileged teacher: it knows what each life has drawn"
    if age:
        return f"taught by {teacher} at an age of {age:,} steps, a privileged teacher: it has learned in its own life"
    return f"taught by the newborn of {teacher}"


def _set_by_conditions(config: Json) -> Iterator[str]:
    """What conditions change of a run, but for the worlds and selection lifetimes that are told with them."""
    changes: dict[str, list[str]] = {}
    for condition in config.get("conditions") or []:
        for key, value in dotted(_part(condition, "set")).items():
            if key != "search.selection_lifetime" and key.split(".")[0] != "world":
                changes.setdefault(key, []).append(f"{_value(value)} under {condition.get('name')}")
        for arm, settings in _part(condition, "settings").items():
            for key, value in dotted(settings).items():
                changes.setdefault(f"{key} of {arm}", []).append(f"{_value(value)} under {condition.get('name')}")
    if changes:
        listed = "; ".join(f"{key} ({', '.join(values)})" for key, values in changes.items())
        yield f"Conditions changed more than the world: {listed}."


def _algorithm(name: str) -> str:
    return _ALGORITHMS.get(name, str(name).upper())


def _value(value: Any) -> str:
    return "defaults" if value == {} else str(value)


def _brain(run: Json) -> Iterator[str]:
    brain, learner = _part(run, "brain"), _part(run, "learner")
    if "hidden" in brain:
        yield f"Brains were {_network(brain)}{_told(brain)}."
    if "window" in learner:
        yield f"Learning within a life was an actor-critic that updates every {learner['window']} steps."


_TRUNKS = {"mlp": "tanh networks", "relu": "networks of rectified units", "gru": "networks of gated recurrent units"}


def _network(brain: Json) -> str:
    trunk = brain.get("trunk", "mlp")
    if not brain["hidden"]:
        return f"networks without hidden layers ({trunk})"
    units = f"hidden layers of {', '.join(map(str, brain['hidden']))} units"
    return f"{_TRUNKS.get(trunk, f'networks ({trunk})')} with {units}"


def _told(brain: Json) -> str:
    """What they were told beside what the world showed, and for how long they remembered."""
    more = [name.replace("_", " ") for name in brain.get("inputs", ["observation"])[1:]]
    told = f", told {', '.join(more)} beside the observation" if more else ""
    return told + (", remembering over the episodes of a life" if brain.get("memory") == "life" else "")


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
        f"{'; '.join(primaries)}, tested {_level(study)}; secondary contrasts were corrected after Holm, and so, "
        "as a family of its own, was the comparison by lifetime; the 2 x 2 and the doubled budgets are descriptions, "
        "uncorrected."
    )
    if len(results.verdict["conditions"]) > 1:
        how = "in a fixed sequence" if results.config.get("sequence") else "after Holm"
        yield f"The conditions' primary contrasts were corrected together, {how}."
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


def _level(study: Json) -> str:
    """The level, or what each planned look spends of it."""
    first = study["looks"][0]["level"]
    if len(study["looks"]) == 1:
        of_all = "" if first == study["level"] else f", that of one planned look, of {study['level']:g} in all"
        return f"at {first:g}{of_all}"
    looks = ", ".join(f"{look['level']:g} at {look['runs']} runs" for look in study["looks"])
    return (
        f"at looks planned beforehand that share the level of {study['level']:g} ({looks}), each condition until it "
        "was decided"
    )


def _margins(config: Json) -> str:
    margins = ", ".join(f"{metric} {margin:g}" for metric, margin in _part(config, "margins").items())
    return f"margins: {margins}" if margins else "no margins were stated"


def _versions(environment: Json) -> Iterator[str]:
    packages = ", ".join(f"{name} {version}" for name, version in _part(environment, "packages").items() if version)
    yield f"Software: Python {environment.get('python', 'of unknown version')}, {packages}."
    yield commit_in_words(environment.get("commit"))


def _part(content: Json, name: str) -> Json:
    part = content.get(name)
    return part if isinstance(part, dict) else {}


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _steps(values: list[int]) -> str:
    texts = [quantity(value, "world steps") for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
