"""Colours that the colour-blind can tell apart, and one look per arm, the same in every chart.

Source: Okabe and Ito 2008, Color universal design; yellow and sky blue are darkened on white, blue and vermilion
lightened on black, so that thin lines stay in sight.
"""

from __future__ import annotations

from collections.abc import Sequence

from evolearn.report._chart import Look

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE, GREY = range(9)
SHADES = (9, 10, 11, 12)  # of one slate, for what is no arm

# fmt: off
LIGHT = (
    "#1a1a1a", "#e69f00", "#3a9bd9", "#009e73", "#9a8c00", "#0072b2", "#d55e00", "#cc79a7", "#7a7a7a",
    "#23404f", "#4f7c8a", "#8fb3bd", "#c9d8dc",
)
DARK = (
    "#f2f2f2", "#f0b429", "#8fd0ff", "#2cc79b", "#f0e442", "#4a9fe0", "#ff7f32", "#e39bc3", "#a3a3a3",
    "#dbe8ec", "#9dbfc9", "#67909d", "#3d5f6b",
)
# fmt: on

_KNOWN = {
    "random": Look(GREY, "dot", "cross"),
    "blank": Look(GREEN, "solid", "triangle-down"),
    "tuned_learner": Look(SKY, "solid", "square"),
    "tuned_blank": Look(BLUE, "solid", "triangle-up"),
    "instinct": Look(PURPLE, "solid", "diamond"),
    "evolved_weights": Look(YELLOW, "solid", "square"),
    "evolved": Look(VERMILION, "solid", "circle"),
    "evolved_frozen": Look(ORANGE, "dash", "diamond"),
    "evolved_drives": Look(PURPLE, "dashdot", "star"),
    "shuffled": Look(BLACK, "dash", "x"),
    "long_blank": Look(GREEN, "dash", "star"),
    "lamarckian": Look(VERMILION, "dot", "square"),
    "pretrained": Look(SKY, "dashdot", "diamond"),
    "oracle": Look(BLACK, "dashdot", "star"),
    "evolved_x2": Look(VERMILION, "dash", "star"),
    "tuned_blank_x2": Look(BLUE, "dash", "star"),
}
_COLOURS = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE)
_STYLES = (("dot", "cross"), ("dashdot", "x"), ("dash", "triangle-down"), ("solid", "star"))


def arm_looks(arms: Sequence[str]) -> dict[str, Look]:
    """One look per arm; arms that a user defined get what no other arm of the study has.

    Args:
        arms: names, in the order of the study.
    """
    taken = {_KNOWN[arm] for arm in arms if arm in _KNOWN}
    free = [
        look for dash, marker in _STYLES for colour in _COLOURS if (look := Look(colour, dash, marker)) not in taken
    ]
    own = [arm for arm in arms if arm not in _KNOWN]
    extra = {arm: free[place % len(free)] for place, arm in enumerate(own)}
    return {arm: _KNOWN[arm] if arm in _KNOWN else extra[arm] for arm in arms}
