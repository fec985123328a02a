"""What lesions say in sentences, and the words that their pictures and tables share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evolearn.report.inspection.section import Json
from evolearn.report.texts import quantity, with_interval

UNITS = {"birth": "score", "ceiling": "score", "speed": "world steps"}
HARM = {"birth": -1.0, "ceiling": -1.0, "speed": 1.0}  # the sign of a change for the worse
HOWS = {"zero": "set to zero", "mean": "set to the mean", "permuted": "permuted", "off": "switched off"}
READINGS = {
    "none": "no difference in any life",
    "unclear": "cannot be told",
    "harm": "harms",
    "help": "helps",
    "harm as shams": "harms; not shown to exceed its shams",
    "help as shams": "helps; not shown to exceed its shams",
    "diverged": "its brain diverged",
}
NAMED = 5  # in a sentence


def sentences(found: Json) -> Iterator[str]:
    """What is to be said of lesions, the most important first."""
    for at in found["ages"]:
        for metric in at["intact"]:
            yield from _worst(found, at, metric)
        learner = [lesion for lesion in at["lesions"] if lesion["kind"] == "learner"]
        if learner:
            yield _learner(at, learner[0])
    yield from _diverged(found)
    yield from _left_out(found)
    yield (
        f"Every copy lives the same {found['lives']} lives of {quantity(found['lifetime'], 'world steps')} steps. The "
        "largest of many effects is chosen in one half of the lives and measured in the other, both ways. "
        '"More than all shams" is not corrected for many lesions: one more of n shams would outdo the rest with a '
        "chance of 1 in n + 1. "
        "Weights set to zero or to a mean are held there and do not grow back; permuted ones go on learning. The unit "
        "is the life: this tells of this animal, not of evolution. A part without effect may still be used, where "
        "others or learning make up for it."
    )


def _worst(found: Json, at: Json, metric: str) -> Iterator[str]:
    name, largest = found["metrics"][metric], at["largest"][metric]
    before = f"{intact_words(at, metric)} intact"
    harmful = [lesion for lesion in ordered(at, metric) if reading_of(lesion, metric) == "harm"]
    first = largest["all"] and at["lesions"][largest["all"]["lesion"]]
    if not first or reading_of(first, metric) not in ("harm", "harm as shams"):
        yield f"No lesion {when_words(at)} is shown to harm the {name} ({before})."
    else:
        yield (
            f"Of {len(at['lesions'])} lesions {when_words(at)}, {_part(first)} {HOWS[first['how']]} harms the {name} "
            f"({before}) most, by {_size(largest['all'], first, at, metric)}; {_against(first, metric)}."
        )
        even = _parts(
            other for other in at["lesions"] if other["name"] != first["name"] and _even(other, first, metric)
        )
        if even:
            yield f"As much harm to it is done by lesions of {_listed(even)}."
    part = largest["parts"] and at["lesions"][largest["parts"]["lesion"]]
    if part and part is not first:
        yield (
            f"Of single parts, what harms the {name} most beyond its shams is {_part(part)} {HOWS[part['how']]}, by "
            f"{_size(largest['parts'], part, at, metric)}; {_against(part, metric)}."
        )
    named = [lesion["name"] for lesion in (first, part) if lesion]
    beyond = _parts(lesion for lesion in harmful if lesion["effects"][metric]["shams"] and lesion["name"] not in named)
    if beyond:
        yield f"Beyond their shams, {_listed(beyond)} harm{'s' * (len(beyond) == 1)} it too."
    elif not part:
        yield f"Of no single part that has shams can more harm to the {name} than theirs be shown."
    unpaired = [lesion for lesion in harmful if lesion["kind"] == "drive" and lesion["name"] not in named]
    if unpaired:
        yield (
            f"Lesions of {_listed(_parts(unpaired))} harm the {name} as well; no sham is of equal size to a drive, so "
            "that others may do as much."
        )


def _size(chosen: Json, lesion: Json, at: Json, metric: str) -> str:
    lives = lives_of(lesion, metric)
    if lives["never"] == lives["of"]:
        return f"at least {quantity(chosen['size']['value'], UNITS[metric])}, as no life reaches it any more"
    return bound_words(lives_of(lesion, metric)["never"], at["intact"][metric]["never"]) + with_interval(
        chosen["size"], UNITS[metric], "value"
    )


def _even(one: Json, other: Json, metric: str) -> bool:
    return bool(
        one["effects"][metric]["change"]["of"]["value"] == other["effects"][metric]["change"]["of"]["value"]
        and reading_of(one, metric) != "none"
    )


def _against(lesion: Json, metric: str) -> str:
    """How it compares with its shams, in a sentence."""
    shams = lesion["effects"][metric]["shams"]
    if not shams:
        return "no sham is of its size"
    mean = f"{quantity(shams['mean'], UNITS[metric])} on average"
    if reading_of(lesion, metric) == "harm":
        return f"more than all {shams['count']} shams ({mean})"
    return f"it outdoes {shams['outdone']} of its {shams['count']} shams ({mean}) and is not shown to exceed them"


def _learner(at: Json, lesion: Json) -> str:
    effect = lesion["effects"]["ceiling"]
    change = with_interval(effect["change"]["of"], "score", "value")
    when = "at birth" if at["age"] == 0 else f"from the age of {quantity(at['age'], 'world steps')} steps on"
    same = "the ceiling is the same in every life; learning may still change what this score does not show"
    if at["intact"]["ceiling"]["same"]:
        same += f" (all lives come to {intact_words(at, 'ceiling')}: the score may be at the top of its scale)"
    meaning = {
        "harm": "it lives by what it learns",
        "help": "learning spoils what it has",
        "none": same,
        "unclear": "with a correction for so many lesions, a difference cannot be told",
        "diverged": "its brain diverged, so that this is no gain",
    }[effect["reading"]]
    return f"With the learner switched off {when} the ceiling changes by {change}: {meaning}."


def _diverged(found: Json) -> Iterator[str]:
    """Lives whose score says nothing."""
    for at in found["ages"]:
        intact = max(one["diverged"] for one in at["intact"].values())
        if intact:
            yield f"Intact, its brain diverged in {intact} of {found['lives']} lives: read nothing there."
        broken = [
            lesion
            for lesion in at["lesions"]
            if any(effect["lives"]["diverged"] for effect in lesion["effects"].values())
        ]
        if broken:
            yield (
                f"Brains diverged after lesions {when_words(at)} of {_listed(_parts(broken))}, see the tables. Steps "
                "that are not lived earn 0, which may be the best there is: such a lesion is never said to help."
            )


def _left_out(found: Json) -> Iterator[str]:
    if not found["learns"]:
        yield "It does not learn where it evolved: lesions of drives, critic and learner could change nothing."
    elif not found["drives"]:
        yield "Drive weights are drawn anew in each life, so that no drive could be lesioned."
    if found["observations_left_out"]:
        which = "that come last" if found["draws_weights"] else "that it reads by the smallest weights"
        why = ", since each life draws its weights and none are larger," if found["draws_weights"] else ""
        yield f"{found['observations_left_out']} observations {which}{why} were not cut one by one."
    tests = max(len(at["lesions"]) for at in found["ages"])
    if found["least_p"] * tests > 0.05:
        yield (
            f"With {found['lives']} lives and {tests} lesions no test can come out under Holm's correction: look at "
            "the intervals, or let more lives be lived."
        )
    for at in found["ages"]:
        level = at["level"]
        if level["threshold"] is None:
            yield (
                f"Whether it does better than random actions, intact, cannot be told (in other lives: "
                f"{quantity(level['intact'], 'score')} against {quantity(level['random'], 'score')}, difference "
                f"{with_interval(level['above'], 'score', 'value')}"
                + (f", brains diverged in {level['diverged']} lives" if level["diverged"] else "")
                + "): there is no threshold to be reached, and no speed."
            )
            return


def when_words(at: Json) -> str:
    """When the lesions were made."""
    return "at birth" if at["age"] == 0 else f"at the age of {quantity(at['age'], 'world steps')} steps"


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED:
        return f"{', '.join(names[:NAMED])}, and {len(names) - NAMED} more parts"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _part(lesion: Json) -> str:
    """What is lesioned, in a sentence."""
    kind, name = lesion["kind"], lesion["name"]
    if kind in ("critic", "learner"):
        return f"the {name}"
    return f"{kind} {name}" if kind != "observation" else f"sense {name}"


def _parts(lesions: Iterable[Json]) -> list[str]:
    """What is lesioned, each once."""
    return list(dict.fromkeys(_part(lesion) for lesion in lesions))


def lives_of(lesion: Json, metric: str) -> Json:
    """Of how many lives something is true."""
    lives: Json = lesion["effects"][metric]["lives"]
    return lives


def bound_words(never: int, never_before: int) -> str:
    """What a difference of mean times is, where times that were never reached are cut off."""
    if not never and not never_before:
        return ""
    if never and never_before:
        return "about "  # cut off on both sides
    return "at least " if never else "at most "


def intact_words(at: Json, metric: str) -> str:
    """What the intact animal comes to."""
    one = at["intact"][metric]
    return ("at least " if one["never"] else "") + quantity(one["value"], UNITS[metric])


def reading_words(lesion: Json, metric: str) -> str:
    """The reading, for a table or a note."""
    effect = lesion["effects"][metric]
    reading, shams, lives = effect["reading"], effect["shams"], effect["lives"]
    if reading in ("harm", "help") and shams:
        return f"{reading}s, more than all {shams['count']} shams"
    text = READINGS[reading] + ("; no sham" if reading in ("harm", "help") else "")
    if not lives["diverged"]:
        return text
    count = f"its brain diverged in {lives['diverged']} of {lives['of']} lives"
    return count if reading == "diverged" else f"{text}; {count}"


def ordered(at: Json, metric: str) -> list[Json]:
    """Lesions by their change of a metric, the most harmful first."""
    return sorted(at["lesions"], key=lambda lesion: -HARM[metric] * _change(lesion, metric))


def _change(lesion: Json, metric: str) -> float:
    return float(lesion["effects"][metric]["change"]["of"]["value"])


def reading_of(lesion: Json, metric: str) -> str:
    """What can be said of it, see READINGS."""
    return str(lesion["effects"][metric]["reading"])
