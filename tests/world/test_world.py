"""What a world may declare, and what is said to its author when it may not."""

import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from evolearn.cli.worlds import print_world, unwrapped
from evolearn.life import new_driver
from evolearn.life._fused import FusedDriver
from evolearn.world import (
    Box,
    Circle,
    Declaration,
    Discrete,
    Line,
    Parameter,
    Polygon,
    Signal,
    World,
    WorldError,
    compile_world,
    parameter_dtype,
)
from tests.helpers.probe_worlds import (
    COIN,
    ONE,
    STATE,
    Stage,
    begin_shown_one,
    born_plain,
    conditions_for,
    observe_shown,
    step_always_one,
)

SOUND = {
    "name": "toy",
    "doc": "A toy.\n\nMore about it.",
    "observations": (ONE,),
    "actions": COIN,
    "state": STATE,
    "born": born_plain,
    "begin": begin_shown_one,
    "observe": observe_shown,
    "step": step_always_one,
}
COUNT = Parameter("count", 3.0, 1.0, 5.0, "arms", "a count", whole=True)
DIAL = Parameter("dial", 0.5, 0.0, 1.0, "rad", "a dial")
GAUGE = Parameter("gauge", 3.0, -1.0, 5.0, "m", "a gauge")


def world_with(**changes):
    return World(**(SOUND | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"observations": ()}, r"world toy: observations=\(\): must name at least one observation"),
        (
            {"fitness_rule": "best step"},
            "world toy: fitness_rule='best step': must be one of mean per step, mean return per episode",
        ),
        (
            {"termination_is_death": "yes"},
            "world toy: termination_is_death='yes': must be True, if an episode that terminates is a death, or False, "
            "if it is a goal reached, a choice made or the like",
        ),
        ({"termination_is_death": None}, "world toy: termination_is_death=None: must be True"),
        (
            {"able": "able to run"},
            "world toy: able='able to run': must be one word for what a newborn does that has mastered the task, for "
            'example "running"; leave it out for "able"',
        ),
        ({"able": ""}, "world toy: able='': must be one word"),
        ({"able": None}, "world toy: able=None: must be one word"),
        ({"actions": Discrete(0)}, r"world toy: actions=Discrete\(choices=0.*\): must offer at least one action"),
        ({"actions": Box(0)}, r"world toy: actions=Box\(size=0.*\): must offer at least one action"),
        ({"observations": (ONE, ONE)}, "world toy: observations: one named twice; names must differ"),
        (
            {"senses": (Signal("b", "1"), Signal("a", "1")) * 2},
            "world toy: senses: a, b named twice; names must differ",
        ),
        ({"parameters": (DIAL, DIAL)}, "world toy: parameters: dial named twice; names must differ"),
        (
            {"parameters": (Parameter("count", 1.5, 0.5, 5.0, "1", "a count", whole=True),)},
            "world toy: parameter 'count', default=1.5, low=0.5: must be whole with whole=True",
        ),
        ({"state": np.dtype("f8")}, "world toy: state=float64: must be a structured dtype with named fields"),
        ({"born": lambda state, rng: None}, "world toy: born takes 2 arguments: must take 3, see World"),
        ({"begin": lambda state: None}, "world toy: begin takes 1 arguments: must take 3, see World"),
        ({"observe": lambda *, state: None}, "world toy: observe takes 1 arguments: must take 3, see World"),
        (
            {"step": lambda state, parameters, action, rng: (0.0, False, False)},
            "world toy: step takes 4 arguments: must take 5, see World",
        ),
        ({"oracle": lambda state, action: None}, "world toy: oracle takes 2 arguments: must take 3, see World"),
        ({"draw": lambda state: ()}, "world toy: draw takes 1 arguments: must take 2, see World"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(WorldError, match=message):
        world_with(**changes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"dail": 1.0},
            r"^world\.parameters\.dail: unknown for world toy; it offers dial, gauge. Did you mean dial\?$",
        ),
        ({"dial": 1.01}, r"^world\.parameters\.dial=1\.01: must be 0 to 1 \(rad\)$"),
        ({"gauge": -2}, r"^world\.parameters\.gauge=-2: must be -1 to 5 \(m\)$"),
        ({"gauge": float("nan")}, r"^world\.parameters\.gauge=nan: must be -1 to 5 \(m\)$"),
    ],
)
def test_a_setting_that_the_world_does_not_offer_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        world_with(parameters=(DIAL, GAUGE)).resolve(settings)
    with pytest.raises(ValueError, match=message):
        compile_world(world_with(parameters=(DIAL, GAUGE)), settings)


def test_a_world_without_parameters_says_that_it_offers_none():
    with pytest.raises(ValueError, match=r"dial: unknown for world toy; it offers \(none\)\.$"):
        world_with().resolve({"dial": 1.0})


def test_settings_override_defaults_and_bounds_are_included():
    world = world_with(parameters=(DIAL, GAUGE))
    assert world.resolve({}) == {"dial": 0.5, "gauge": 3.0}
    assert world.resolve({"gauge": 5, "dial": 0}) == {"dial": 0.0, "gauge": 5.0}


def test_parameters_reach_the_compiled_world_as_they_were_set():
    world = world_with(parameters=(DIAL, GAUGE))
    packed = compile_world(world, {"gauge": -1.0}).parameters.view(parameter_dtype(world))
    assert packed["dial"] == 0.5
    assert packed["gauge"] == -1.0


def test_a_description_begins_with_its_first_line():
    assert world_with().summary == "A toy."
    assert world_with(doc="\n    Indented.\n    More.").summary == "Indented."
    assert world_with(doc=" ").summary == "(no description)"


def test_what_actions_come_to():
    choices, box = world_with(actions=Discrete(3)), world_with(actions=Box(2))
    assert (choices.is_discrete, choices.action_outputs, choices.action_size) == (True, 3, 1)
    assert (box.is_discrete, box.action_outputs, box.action_size) == (False, 2, 2)


def test_termination_is_no_death_unless_a_world_says_so():
    assert (world_with().termination_is_death, world_with().able) == (False, "able")
    said = world_with(termination_is_death=True, able="running")
    assert (said.termination_is_death, said.able) == (True, "running")


def test_a_world_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        world_with().name = "other"


def born_with_a_typo(state, parameters, rng):
    state.sceret = 1


def step_with_a_library(state, parameters, action, senses, rng):
    return dict.fromkeys([1], 2), False, False


def helper_without_decorator(state):
    return state.shown


def observe_through_a_helper(state, parameters, observation):
    observation[0] = helper_without_decorator(state)


def step_without_truncation(state, parameters, action, senses, rng):
    return 1.0, False


def step_that_returns_nothing(state, parameters, action, senses, rng):
    senses[0] = 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"born": born_with_a_typo}, "born does not compile: KeyError: 'sceret'\n"),
        (
            {"step": step_with_a_library},
            "step does not compile: Unknown attribute 'fromkeys' of type Function(<class 'dict'>)\n"
            f"  {__file__}, line {step_with_a_library.__code__.co_firstlineno + 1}: return dict.fromkeys(",
        ),
        (
            {"observe": observe_through_a_helper},
            "observe does not compile: Untyped global name 'helper_without_decorator': Cannot determine Numba type of "
            f"<class 'function'>\n  {__file__}, line ",
        ),
        (
            {"step": step_without_truncation},
            "step does not compile: it must return three values, fitness, terminated and truncated (",
        ),
        (
            {"step": step_that_returns_nothing},
            "step does not compile: it must return three values, fitness, terminated and truncated (failed to unpack "
            "none)\n",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_source_that_does_not_compile_is_named_with_the_compilers_reason(changes, message):
    with pytest.raises(WorldError) as caught:
        compile_world(world_with(**changes), {})
    said = str(caught.value)
    assert said.startswith(f"world toy: {message}")
    helped = said.endswith("; helpers need the decorator evolearn.world.world_code.")
    assert helped == ("observe" in changes)  # the one that calls what has no decorator
    assert helped or said.endswith("\nWorlds are scalar Python that Numba understands.")
    assert len(said.splitlines()) <= 3


def test_two_worlds_of_one_file_with_functions_of_one_name_keep_their_own_code():
    steps = [lambda state, parameters, action, senses, rng: (1.0, False, False)]
    steps.append(lambda state, parameters, action, senses, rng: (2.0, False, False))
    earned = [
        Stage(world_with(name=f"toy {place}", step=step), (0, 0, 0, 0)).step(0)[0] for place, step in enumerate(steps)
    ]
    assert earned == [1.0, 2.0]


def test_a_world_that_is_no_compiled_one_is_not_lived_fused():
    foreign = Declaration(name="foreign", doc="Elsewhere.", observations=(ONE,), actions=COIN)
    with pytest.raises(TypeError, match="world foreign is not compiled"):
        FusedDriver(conditions_for(foreign))


def test_a_compiled_world_is_lived_fused():
    driver = new_driver(conditions_for(world_with(name="fused")), workers=2, hang_seconds=5.0)
    assert isinstance(driver, FusedDriver)
    assert (driver.workers, driver.hang_seconds) == (2, 5.0)
    driver.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Circle(0, 0, 1, role="enemy"), "circle '': role='enemy': must be one of self, friend, foe, ground, "),
        (lambda: Line(0, 0, 1, 1, role="mark", label="a", opacity=1.1), "line 'a': opacity=1.1: must be 0 to 1"),
        (lambda: Line(0, 0, 1, 1, role="mark", opacity=np.nan), "line '': opacity=nan: must be 0 to 1"),
        (lambda: Line(0, 0, np.inf, 1, role="mark"), r"line '': \(0, 0, inf, 1, 1.0\): every number must be finite"),
        (lambda: Circle(0, 0, -1, role="mark"), "circle '': radius=-1: must be >= 0"),
        (
            lambda: Polygon([(0, 0), (1, 1)], role="mark"),
            r"polygon '': points=\[\(0, 0\), \(1, 1\)\]: must be at least 3 pairs x, y",
        ),
        (lambda: Polygon([(0, 0, 0)] * 3, role="mark"), "polygon '': .*: must be at least 3 pairs x, y"),
    ],
)
def test_a_shape_that_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_what_shapes_come_to():
    circle = Circle(1, 2, 3, role="foe", opacity=0.5)
    line = Line(1, 5, -2, 3, role="mark")
    polygon = Polygon(((0, 1), (4, -2), (2, 7)), role="self", label="it")
    assert (circle.kind, circle.numbers, circle.extent) == ("circle", (1, 2, 3, 0.5), (-2, 4, -1, 5))
    assert (line.kind, line.numbers, line.extent) == ("line", (1, 5, -2, 3, 1.0), (-2, 1, 3, 5))
    assert (polygon.kind, polygon.numbers) == ("polygon", (0, 1, 4, -2, 2, 7, 1.0))
    assert polygon.extent == (0, 4, -2, 7)


@pytest.mark.parametrize(
    ("changes", "said"), [({"draw": lambda state, parameters: ()}, "drawn"), ({}, "not drawn: its observations by age")]
)
def test_a_worlds_page_says_whether_replays_draw_it(changes, said):
    console = Console(file=io.StringIO(), width=120)
    print_world(console, "toy", world_with(**changes))
    assert f"in replays    {said}\n" in console.file.getvalue()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({}, "is no death"), ({"termination_is_death": True}, "is a death: a birth score is of the first body alone")],
)
def test_a_worlds_page_says_whether_termination_is_a_death(changes, said):
    console = Console(file=io.StringIO(), width=120)
    print_world(console, "toy", world_with(**changes))
    assert f"termination   {said}\n" in console.file.getvalue()


def test_a_parameter_that_is_whole_refuses_fractions():
    world = world_with(parameters=(COUNT,))
    assert world.resolve({"count": 4}) == {"count": 4.0}
    text = r"world.parameters.count=2.5: must be a whole number, 1 to 5 \(arms\); take 2 or 3"
    with pytest.raises(ValueError, match=text):
        world.resolve({"count": 2.5})
    with pytest.raises(ValueError, match=r"count=5\.5: must be 1 to 5"):
        world.resolve({"count": 5.5})


def test_paragraphs_are_wrapped_once_and_lists_stay_lists():
    text = "A line\nthat goes on.\n\nA list:\n- one\n  of them\n- two\n1. three\nPlain\nagain.\n    code\nend"
    assert unwrapped(text).splitlines() == [
        "A line that goes on.", "", "A list:", "- one", "  of them", "- two", "1. three",
        "Plain again.", "    code", "end",
    ]  # fmt: skip
    console = Console(width=60, file=io.StringIO())
    words = ["word"] * 60
    print_world(console, "toy", world_with(doc="\n".join(" ".join(words[:20]) for _ in range(3)), parameters=(COUNT,)))
    shown = console.file.getvalue()
    assert [len(line) for line in shown.splitlines()[:4]] == [60, 60, 60, 60]
    assert "1 .. 5, whole" in shown
