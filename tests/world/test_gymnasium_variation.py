"""What of a Gymnasium environment differs from life to life: draws, where they go, and how the settings travel."""

import dataclasses
import math
import pickle
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
import yaml
from gymnasium.spaces import Box, Discrete
from scipy import stats

from evolearn.cli.show_life import _drawn_at_birth
from evolearn.cluster._shipping import pack
from evolearn.cluster._tasks import Recipe
from evolearn.config import ConfigError, VariationPart, WorldPart, check_config, dump_config, override, world_part
from evolearn.errors import SettingRefused, WorldNotFound
from evolearn.rng import SELECTION, TEST, LifeKey, life_keys, new_rng
from evolearn.run import assemble, remarks_on
from evolearn.world import EnvironmentFault, GymnasiumEnvironments, find_world, from_anywhere, gymnasium_world, settled
from evolearn.world.gymnasium.variation import draw
from evolearn.world.gymnasium.world import declare_here as declare

TOY = "gymnasium:evolearn-room-v0"


class Room(gymnasium.Env):
    """A room whose every number is shown, and one of which it draws itself when it is reset."""

    def __init__(self, width=2.0, shape=1, name="hall"):
        self.observation_space = Box(-np.inf, np.inf, (shape,), np.float64)
        self.action_space = Discrete(2)
        self.width, self.name, self.door = width, name, 1.0
        self.walls = np.array([1.0, 2.0, 4.0])
        self.counts = np.array([1, 2])

    @property
    def area(self):
        return self.width**2

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.door = self.np_random.uniform()
        self.lamp = Lamp()
        return np.full(self.observation_space.shape, self.width), {}

    def step(self, action):
        return np.full(self.observation_space.shape, self.door), self.width, False, False, {}


class Lamp:
    brightness = 3.0


class Doubling(gymnasium.RewardWrapper):
    factor = 2.0

    def __init__(self, env, start=2.0):
        super().__init__(env)
        self.factor = start

    def reward(self, reward):
        return self.factor * reward


class Fragile(gymnasium.Wrapper):
    def __init__(self, env, strength):
        super().__init__(env)
        raise RuntimeError(f"broken by {strength}")


def nothing(env):
    """A wrapper that forgot to return."""


def normalised(env):
    return gymnasium.wrappers.NormalizeReward(env)


class Narrow(Room):
    """It takes few widths, and says which of it were closed."""

    made, closed = 0, 0

    def __init__(self, width=1.0, lit=True, goal=None, name="hall"):
        if width > 2.0:
            raise ValueError("too wide")
        super().__init__(width, name=name)
        self.lit, self.goal, self.dark = lit, goal, np.array([True, False])
        type(self).made += 1

    def close(self):
        type(self).closed += 1


class Careless(Room):
    """Its observations are not in its space."""

    def __init__(self):
        super().__init__()
        self.observation_space = Box(5.0, 6.0, (1,), np.float64)


class Old(Room):
    """It says whether an episode is over as was usual before there were booleans."""

    def step(self, action):
        observation, reward, *_ = super().step(action)
        return observation, reward, 0, False, {}


for _kind, _name in ((Room, "room"), (Narrow, "narrow"), (Careless, "careless"), (Old, "old")):
    if f"evolearn-{_name}-v0" not in gymnasium.registry:
        gymnasium.register(f"evolearn-{_name}-v0", entry_point=_kind)

if "evolearn-normal-v0" not in gymnasium.registry:
    gymnasium.register("evolearn-normal-v0", entry_point=lambda: normalised(Room()))

UNIFORM = {"distribution": "uniform", "low": 1.0, "high": 3.0}
FACTOR = {"distribution": "uniform", "low": 0.5, "high": 2.0, "mode": "times"}
DOUBLING = "tests.world.test_gymnasium_variation:Doubling"


def room(name=TOY, **settings):
    return declare(WorldPart(name=name, **settings))


def setup_of(**world):
    return assemble(check_config({"world": world}, "test"))


def refused(**world):
    with pytest.raises(ConfigError) as caught:
        setup_of(**world)
    return str(caught.value)


def born(world, count=4, seed=0):
    """Environments of `count` lives, just born, and what each was born into."""
    environments = GymnasiumEnvironments(world)
    keys = life_keys(seed, SELECTION, 0, count)
    environments.begin_all(keys, np.zeros((count, len(world.observations)), np.float32))
    return environments, [world.drawn(key) for key in keys]


def inside(environments, place):
    return environments._homes[place].environment.unwrapped


def draws(count=4000, **variation):
    vary, rng = {"x": VariationPart(**variation)}, new_rng()
    return np.array([draw(vary, key, rng)["x"] for key in life_keys(3, SELECTION, 1, count)])


def test_draws_are_distributed_as_asked():
    assert stats.kstest(draws(**UNIFORM), stats.uniform(1.0, 2.0).cdf).pvalue > 0.01
    ratio = draws(distribution="log_uniform", low=0.1, high=10.0)
    assert stats.kstest(np.log10(ratio), stats.uniform(-1.0, 2.0).cdf).pvalue > 0.01
    normal = {"distribution": "normal", "mean": 2.0, "stdev": 0.5}
    assert stats.kstest(draws(**normal), stats.norm(2.0, 0.5).cdf).pvalue > 0.01
    clipped = draws(**normal, low=1.5, high=2.5)
    assert (clipped.min(), clipped.max()) == (1.5, 2.5)
    assert abs((clipped == 1.5).mean() - stats.norm.cdf(-1.0)) < 0.02
    _, counts = np.unique(draws(distribution="choice", values=["a", "b", "c"]), return_counts=True)
    assert stats.chisquare(counts).pvalue > 0.01


def test_a_distribution_of_no_width_draws_the_same_in_every_life():
    assert set(draws(50, distribution="uniform", low=0.7, high=0.7)) == {0.7}
    assert set(draws(50, distribution="normal", mean=0.7, stdev=0.0)) == {0.7}


def test_a_draw_follows_from_key_and_name_alone():
    alone = room(vary={"width": UNIFORM})
    among = room(vary={"door": UNIFORM, "width": UNIFORM})
    keys = life_keys(0, SELECTION, 0, 5)
    widths = [alone.drawn(key)["width"] for key in keys]
    assert [among.drawn(key)["width"] for key in keys] == widths
    assert len(set(widths)) == 5
    assert widths[0] not in [among.drawn(key)["door"] for key in keys]
    assert not set(widths) & {alone.drawn(key)["width"] for key in life_keys(0, TEST, 0, 5)}


def test_attributes_are_set_for_the_life_and_defaults_are_multiplied_life_after_life():
    world = room(vary={"width": UNIFORM, "wall": {**FACTOR, "sets": ["walls[1]", "walls[-1]"]}})
    environments, drawn = born(world)
    for again in range(2):
        if again:  # the same environments, other lives: not multiplied twice
            keys = life_keys(9, SELECTION, 0, 4)
            environments.begin_all(keys, np.zeros((4, 1), np.float32))
            drawn = [world.drawn(key) for key in keys]
        for place, values in enumerate(drawn):
            assert inside(environments, place).width == values["width"]
            assert inside(environments, place).walls.tolist() == [1.0, 2.0 * values["wall"], 4.0 * values["wall"]]
    assert len({values["width"] for values in drawn}) == 4


def test_a_whole_array_is_multiplied_entry_by_entry_and_stays_the_same_array():
    environments, drawn = born(room(vary={"walls": FACTOR}), count=1)
    assert inside(environments, 0).walls.tolist() == [factor * drawn[0]["walls"] for factor in (1.0, 2.0, 4.0)]


def test_what_a_reset_sets_anew_and_what_only_a_reset_makes_hold_for_every_episode():
    world = room(vary={"door": UNIFORM, "lamp": {**FACTOR, "sets": ["lamp.brightness"]}})
    environments, drawn = born(world, count=2)
    for t in (5, 9):
        for place, values in enumerate(drawn):
            assert inside(environments, place).door == values["door"]
            assert inside(environments, place).lamp.brightness == 3.0 * values["lamp"]
            environments.begin_again(place, t, np.zeros(1, np.float32))


def test_arguments_of_the_constructor_are_drawn_and_environments_of_choices_kept():
    world = room(vary={"width": {"distribution": "choice", "values": [1.0, 5.0], "sets": ["kwargs.width"]}})
    environments, drawn = born(world, count=6)
    assert [inside(environments, place).width for place in range(6)] == [values["width"] for values in drawn]
    assert {values["width"] for values in drawn} == {1.0, 5.0}
    before = {id(inside(environments, place)) for place in range(6)}
    environments.begin_all(life_keys(0, SELECTION, 0, 6), np.zeros((6, 1), np.float32))
    assert {id(inside(environments, place)) for place in range(6)} == before
    twice = room(kwargs={"width": 3.0}, vary={"kwargs.width": FACTOR})
    environments, drawn = born(twice, count=3)
    assert [inside(environments, place).width for place in range(3)] == [
        3.0 * values["kwargs.width"] for values in drawn
    ]
    assert len(environments._homes) == 3
    for seed in range(6):  # environments that no life will ask for again are not kept for ever
        environments.begin_all(life_keys(seed, SELECTION, 0, 3), np.zeros((3, 1), np.float32))
    assert sum(len(some) for some in environments._empty.values()) <= 9


def test_lives_may_not_differ_in_their_spaces():
    world = room(vary={"shape": {"distribution": "choice", "values": [1, 2], "sets": ["kwargs.shape"]}})
    with pytest.raises(
        EnvironmentFault, match=r"lives must not differ in them, and another has .*; vary something else"
    ):
        born(world, count=8)


def test_wrappers_go_around_in_order_and_their_attributes_may_vary():
    wrappers = [
        DOUBLING,
        {"name": DOUBLING, "kwargs": {"start": 5.0}},
        {"name": "TimeLimit", "kwargs": {"max_episode_steps": 2}},
    ]
    environments, _ = born(room(wrappers=wrappers), count=1)
    rewards, ends = np.zeros(1), np.zeros((2, 1), np.bool_)
    call = (range(1), np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32), np.zeros((1, 0), np.float32))
    assert environments.step_all(0, *call, rewards, *ends) == []
    assert rewards == 2.0 * 2.0 * 5.0
    assert environments.step_all(1, *call, rewards, *ends) == [0]
    assert ends.tolist() == [[False], [True]]
    environments, drawn = born(room(wrappers=[DOUBLING], vary={"factor": UNIFORM}), count=2)
    assert [environments._homes[place].environment.factor for place in range(2)] == [v["factor"] for v in drawn]


def test_a_list_in_a_wrappers_kwargs_is_the_tuple_that_gymnasium_insists_on():
    """YAML has no tuples."""
    reshape = {"name": "ReshapeObservation", "kwargs": {"shape": [2, 3]}}
    world = room(kwargs={"shape": 6}, wrappers=[reshape])
    assert world.make().observation_space.shape == (2, 3)


def test_episodes_end_where_gymnasium_would_end_them():
    world = gymnasium_world("Pendulum-v1", max_episode_steps=7)
    environments, _ = born(world, count=1)
    theirs = world.make()
    fitness, ends = np.zeros(1), np.zeros((2, 1), np.bool_)
    shown = np.zeros((1, 3), np.float32)
    theirs.reset(seed=0)
    for t in range(20):
        endings = environments.step_all(
            t, range(1), np.zeros((1, 1), np.float32), shown, np.zeros((1, 0), np.float32), fitness, *ends
        )
        *_, terminated, truncated, _ = theirs.step(np.zeros(1, np.float32))
        assert ends[:, 0].tolist() == [terminated, truncated]
        if endings:
            environments.begin_again(0, t, shown[0])
            theirs.reset()


def test_a_cart_poles_length_acts_as_its_equations_say():
    """Gymnasium keeps mass times length beside the length: both are set by one draw."""
    vary = {"length": {**FACTOR, "sets": ["length", "polemass_length"]}}
    environments, drawn = born(declare(WorldPart(name="gymnasium:CartPole-v1", vary=vary)))
    for place, values in enumerate(drawn):
        pole = inside(environments, place)
        length = 0.5 * values["length"]
        pole.state = np.array([0.0, 0.1, 0.05, -0.2])
        _, speed, angle, turning = (float(value) for value in pole.state)
        sine, cosine = math.sin(angle), math.cos(angle)
        # Barto, Sutton and Anderson 1983, appendix, without friction; total mass 1.1 kg, pole 0.1 kg, force 10 N.
        pushed = (10.0 + 0.1 * length * turning**2 * sine) / 1.1
        turned = (9.8 * sine - cosine * pushed) / (length * (4.0 / 3.0 - 0.1 * cosine**2 / 1.1))
        driven = pushed - 0.1 * length * turned * cosine / 1.1
        observation, *_ = pole.step(1)
        expected = [0.02 * speed, speed + 0.02 * driven, angle + 0.02 * turning, turning + 0.02 * turned]
        np.testing.assert_allclose(observation, expected, rtol=1e-5)


def test_settings_survive_config_name_and_recipe():
    content = {
        "name": "gymnasium:Pendulum-v1",
        "kwargs": {"g": 9.0},
        "wrappers": [{"name": "TimeLimit", "kwargs": {"max_episode_steps": 50}}],
        "vary": {"m": {**FACTOR, "sets": ["m"]}, "l": {"distribution": "choice", "values": [0.5, 1, True]}},
    }
    setup = setup_of(**content)
    part = setup.config.world
    assert world_part(part.full_name) == part
    assert find_world(part.full_name) == setup.conditions.world
    assert part.full_name == setup.conditions.found_as
    backwards = {**content, "vary": dict(reversed(content["vary"].items()))}
    assert WorldPart(**backwards).full_name == part.full_name
    recipe = pickle.loads(pickle.dumps(Recipe.of(setup.conditions, setup.conditions.found_as, 30.0)))
    assert recipe.conditions() == setup.conditions
    world = pickle.loads(pickle.dumps(setup.conditions.world))
    key = life_keys(0, SELECTION, 0, 1)[0]
    assert (world, world.drawn(key)) == (setup.conditions.world, setup.conditions.world.drawn(key))
    assert hash(world) == hash(setup.conditions.world)
    assert WorldPart(name="savannah").full_name == "savannah"
    assert "check" not in part.full_name


def test_infinite_arguments_survive_a_config_on_disk():
    ranges = {"healthy_z_range": [0.5, math.inf], "floor": -math.inf}
    content = {"world": {"name": TOY, "kwargs": ranges, "wrappers": [{"name": DOUBLING, "kwargs": ranges}]}}
    config = check_config(content, "test")
    again = check_config(yaml.safe_load(dump_config(config)), "test")
    assert again == config
    assert again.world.kwargs == again.world.wrappers[0].kwargs == ranges
    assert check_config(config.model_dump(mode="json"), "test") == config
    assert world_part(config.world.full_name) == config.world


def test_a_dial_of_a_study_may_set_a_distribution():
    content = {"world": {"name": TOY, "vary": {"width": UNIFORM}}}
    narrow = check_config(override(content, ["world.vary.width.low=2.5"]), "test")
    assert narrow.world.vary["width"].low == 2.5
    assert assemble(narrow).conditions != assemble(check_config(content, "test")).conditions


def test_wrappers_in_files_are_found_from_anywhere_and_travel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halving.py").write_text(
        "import gymnasium\n\n\nclass Halving(gymnasium.RewardWrapper):\n"
        "    def reward(self, reward):\n        return reward / 2\n"
    )
    part = WorldPart(name="gymnasium:CartPole-v1", wrappers=["halving.py:Halving"])
    there = settled(part).full_name
    assert f'"{tmp_path}/halving.py:Halving"' in there
    assert from_anywhere(part.full_name) == from_anywhere(there) == there
    monkeypatch.chdir("/")
    environment = find_world(there).make()
    environment.reset(seed=0)
    assert environment.step(0)[1] == 0.5
    parcel = pack([there])
    assert "halving" in parcel.contents
    assert list(parcel.names) == [there]
    assert world_part(parcel.names[there]).wrappers[0].name == "halving.py:Halving"
    assert (parcel.folder / "halving.py").is_file()


def test_what_the_checker_finds_is_refused_with_its_words_and_may_be_switched_off():
    setup = setup_of(name="gymnasium:evolearn-careless-v0")
    with pytest.raises(ConfigError) as caught:
        remarks_on(setup)
    first, last = str(caught.value).splitlines()
    assert first == (
        "world.name='gymnasium:evolearn-careless-v0': the environment's observation 0 is 2: must lie within 5 .. 6, as "
        "its observation_space says; correct the one or the other"
    )
    assert last == (
        "Correct the environment or its wrappers; if it is known to work as it is, set world.check=false: results may "
        "then depend on the number of workers, if the environment keeps anything from before a reset"
    )
    (remark,) = remarks_on(setup_of(name="gymnasium:evolearn-careless-v0", check=False))
    assert remark.startswith("world gymnasium:evolearn-careless-v0: world.check=false: nobody asked whether")


def test_what_the_checker_remarks_is_passed_on_without_what_is_of_no_concern():
    assert remarks_on(setup_of(name="gymnasium:Pendulum-v1")) == ()  # not normalised: scaled here
    assert remarks_on(setup_of(name="gymnasium:CartPole-v1")) == ()
    assert remarks_on(setup_of(name="cart-pole")) == ()
    (remark,) = remarks_on(setup_of(name="gymnasium:evolearn-old-v0"))
    assert remark == (
        "world gymnasium:evolearn-old-v0: Gymnasium's checker remarks: Expects `terminated` signal to be a boolean, "
        "actual type: <class 'int'>"
    )


def test_every_choice_of_the_constructor_is_tried_before_lives_and_nothing_stays_open():
    def narrow(*values, **more):
        Narrow.made = Narrow.closed = 0
        return {
            "name": NARROW,
            "vary": {"breadth": {"distribution": "choice", "values": values, "sets": ["kwargs.width"]}, **more},
        }

    text = refused(**narrow(1.0, 1.5, 7.0))
    assert f"world {NARROW}: the environment does not start; check world.kwargs={{}} and world.vary.breadth" in text
    assert "(here 7.0):" in text
    assert "ValueError: too wide" in text
    assert Narrow.made == Narrow.closed
    setup_of(**narrow(1.0, 1.25, 2.0))
    assert Narrow.made == Narrow.closed == 4
    refused(**narrow(1.0, 1.75, nowhere=UNIFORM))
    assert Narrow.made == Narrow.closed == 1
    refused(
        **narrow(1.0, 1.75),
        wrappers=[{"name": "tests.world.test_gymnasium_variation:Fragile", "kwargs": {"strength": 1}}],
    )
    assert Narrow.made == Narrow.closed == 1


def test_an_argument_whose_default_is_none_may_be_a_number():
    setup_of(name=NARROW, vary={"kwargs.goal": UNIFORM})
    setup_of(name=NARROW, vary={"goal": {"distribution": "choice", "values": [1, 2]}})


def test_lengths_of_episodes_vary_as_an_argument():
    world = room(POLE, vary={"kwargs.max_episode_steps": {"distribution": "choice", "values": [5, 9]}})
    environments, drawn = born(world)
    assert [home.limit for home in environments._homes] == [values["kwargs.max_episode_steps"] for values in drawn]


POLE = "gymnasium:CartPole-v1"
NARROW = "gymnasium:evolearn-narrow-v0"
HERE = "tests.world.test_gymnasium_variation"
REMEMBERS = "goes on with its running mean and variance from life to life, so that results would depend on which lives"


@pytest.mark.parametrize(
    ("world", "text"),
    [
        (
            {"name": "cart-pole", "vary": {"length": UNIFORM}},
            "world.vary: is for Gymnasium environments, and world 'cart-pole' is none; leave it out, and set what the "
            "world offers in world.parameters",
        ),
        ({"name": "cart-pole", "kwargs": {"g": 1}}, "world.kwargs: is for Gymnasium environments"),
        (
            {"name": "cart-pole", "termination_is_death": False},
            "world.termination_is_death: is for Gymnasium environments, and world 'cart-pole' is none",
        ),
        ({"name": "cart-pole", "able": "balancing"}, "world.able: is for Gymnasium environments"),
        ({"name": POLE, "able": "two words"}, "able='two words': must be one word"),
        (
            {"name": "gymnasium:Pendulum-v1", "kwargs": {"gg": 1.0}},
            "world.kwargs.gg: unknown for gymnasium:Pendulum-v1. Did you mean g? Known: g, max_episode_steps,",
        ),
        (
            {"name": "gymnasium:Pendulum-v1", "vary": {"kwargs.mass": UNIFORM}},
            "world.vary.kwargs.mass: argument mass: unknown for gymnasium:Pendulum-v1. Known: g, max_episode_steps",
        ),
        (
            {"name": TOY, "wrappers": [{"name": DOUBLING, "kwargs": {"begin": 1}}]},
            f"world.wrappers.0.kwargs.begin: unknown for {DOUBLING}. Known: start.",
        ),
        ({"name": POLE, "kwargs": {"disable_env_checker": False}}, "is not for here; set world.check=false"),
        (
            {"name": POLE, "vary": {"lenght": UNIFORM}},
            "world.vary.lenght: there is no lenght: neither the environment nor a wrapper has an attribute lenght. Did "
            "you mean length? An argument of the constructor is varied as kwargs.NAME",
        ),
        (
            {"name": TOY, "vary": {"wall": {**UNIFORM, "sets": ["walls[3]"]}}},
            "world.vary.wall: there is no walls[3]: index 3",
        ),
        (
            {"name": TOY, "vary": {"area": UNIFORM}},
            "cannot be set: AttributeError: property 'area' of 'Room' object has no setter; choose",
        ),
        ({"name": TOY, "vary": {"reset": UNIFORM}}, "reset is a method; name an attribute that holds a value"),
        ({"name": TOY, "vary": {"counts": UNIFORM}}, "counts holds whole numbers, which uniform draws would be cut to"),
        (
            {"name": TOY, "vary": {"name": FACTOR}},
            "world.vary.name: the default of name is 'hall', no number that a draw could multiply; set mode=absolute",
        ),
        ({"name": TOY, "vary": {"kwargs.name": FACTOR}}, "the default of kwargs.name is 'hall', no number"),
        (
            {"name": TOY, "vary": {"walls": {"distribution": "choice", "values": [1.0, [1.0, 2.0]]}}},
            "world.vary.walls: [1.0, 2.0] cannot be set: ValueError: could not broadcast",
        ),
        (
            {"name": TOY, "vary": {"length of pole": UNIFORM}},
            "world.vary.length of pole: must be a path like length, model.opt.gravity[2] or kwargs.NAME; a name of "
            "another form needs paths in sets",
        ),
        ({"name": TOY, "vary": {"x": {**UNIFORM, "sets": ["a..b"]}}}, "world.vary.x.sets: 'a..b': must be a path like"),
        ({"name": TOY, "vary": {"kwargs.a.b": UNIFORM}}, "world.vary.kwargs.a.b: 'kwargs.a.b': must be kwargs.NAME"),
        ({"name": TOY, "vary": {"width": {**UNIFORM, "low": 4}}}, "world.vary.width.low=4: must be at most high, 3"),
        (
            {"name": TOY, "vary": {"width": {"distribution": "uniform", "low": 1}}},
            "world.vary.width.high: missing; distribution uniform needs low and high",
        ),
        (
            {"name": TOY, "vary": {"width": {**UNIFORM, "mean": 4}}},
            "world.vary.width.mean=4.0: distribution uniform takes low and high; leave mean out",
        ),
        (
            {"name": TOY, "vary": {"width": {**UNIFORM, "distribution": "log_uniform", "low": 0}}},
            "world.vary.width.low=0: must be above 0 for distribution log_uniform",
        ),
        (
            {"name": TOY, "vary": {"width": {"distribution": "normal", "mean": 0, "stdev": -1}}},
            "world.vary.width.stdev=-1: must be 0 or more",
        ),
        (
            {"name": TOY, "vary": {"width": {"distribution": "choice", "values": []}}},
            "world.vary.width.values=[]: must have at least one entry",
        ),
        (
            {"name": TOY, "vary": {"width": {"distribution": "choice", "values": ["a"], "mode": "times"}}},
            "world.vary.width.values: 'a': must be a number with mode times; set mode=absolute",
        ),
        (
            {"name": TOY, "vary": {"width": {"distribution": "gamma"}}},
            "world.vary.width.distribution='gamma': must be 'uniform', 'log_uniform'",
        ),
        (
            {"name": TOY, "vary": {"width": {**UNIFORM, "hihg": 1}}},
            "world.vary.width.hihg=1: unknown key. Did you mean high?",
        ),
        (
            {"name": TOY, "wrappers": ["TimeLimt"]},
            "world.wrappers.0.name='TimeLimt': gymnasium.wrappers has no such wrapper; must be one of "
            "gymnasium.wrappers, package.module:Class or path/to/file.py:Class. Did you mean TimeLimit?",
        ),
        (
            {"name": TOY, "wrappers": ["no_such_module:A"]},
            "world.wrappers.0.name='no_such_module:A': there is no module no_such_module",
        ),
        (
            {"name": TOY, "wrappers": [DOUBLING + "s"]},
            "no class or function Doublings there. Did you mean Doubling? Known: ",
        ),
        ({"name": TOY, "wrappers": [":A"]}, "world.wrappers.0.name=':A': must be one of gymnasium.wrappers"),
        ({"name": TOY, "wrappers": ["nowhere.py:A"]}, "there is no file nowhere.py in "),
        ({"name": TOY, "wrappers": [{"nmae": "A"}]}, "world.wrappers.0.name: missing"),
        (
            {"name": TOY, "wrappers": [DOUBLING, f"{HERE}:nothing"]},
            f"world.wrappers.1.name='{HERE}:nothing': returned None, which is no gymnasium.Env; name a class",
        ),
        (
            {"name": TOY, "wrappers": [DOUBLING, {"name": f"{HERE}:Fragile", "kwargs": {"strength": 3}}]},
            f"world.wrappers.1 ({HERE}:Fragile, kwargs={{'strength': 3}}): cannot be put around the environment; "
            "correct its kwargs (known: strength), or the wrapper:",
        ),
        ({"name": TOY, "wrappers": ["TimeLimit"]}, "world.wrappers.0 (TimeLimit, kwargs={}): cannot be put around"),
        (
            {"name": TOY, "wrappers": ["NormalizeReward"], "check": False},
            f"world.wrappers.0.name='NormalizeReward': NormalizeReward {REMEMBERS}",
        ),
        (
            {"name": TOY, "wrappers": ["gymnasium.wrappers.vector:NormalizeObservation"]},
            f"world.wrappers.0.name='gymnasium.wrappers.vector:NormalizeObservation': NormalizeObservation {REMEMBERS}",
        ),
        (
            {"name": TOY, "wrappers": [DOUBLING, f"{HERE}:normalised"]},
            f"world.wrappers.1.name='{HERE}:normalised': NormalizeReward {REMEMBERS}",
        ),
        ({"name": "gymnasium:evolearn-normal-v0"}, "world.name='gymnasium:evolearn-normal-v0': NormalizeReward goes"),
        (
            {"name": TOY, "vary": {"width": UNIFORM, "breadth": {**UNIFORM, "sets": ["door", "width"]}}},
            "world.vary.breadth.sets: width is written by world.vary.width already, as width; leave one of the two out",
        ),
        (
            {"name": TOY, "vary": {"x": {**UNIFORM, "sets": ["walls[0]", "walls"]}}},
            "world.vary.x.sets: walls is written by world.vary.x already, as walls[0]; leave one",
        ),
        (
            {"name": TOY, "vary": {"walls[0]": UNIFORM, "walls": UNIFORM}},
            "world.vary.walls: walls is written by world.vary.walls[0] already, as walls[0]",
        ),
        (
            {"name": TOY, "vary": {"name": UNIFORM}},
            "world.vary.name.distribution=uniform: draws numbers, and the default of name is 'hall'; set "
            "distribution=choice with the values that it may have",
        ),
        ({"name": NARROW, "vary": {"lit": UNIFORM}}, "draws numbers, and the default of lit is True; set"),
        (
            {"name": NARROW, "vary": {"dark": UNIFORM}},
            "draws numbers, and the default of dark is array([ True, False])",
        ),
        ({"name": NARROW, "vary": {"goal": UNIFORM}}, "draws numbers, and the default of goal is None; set"),
        ({"name": NARROW, "vary": {"kwargs.lit": UNIFORM}}, "draws numbers, and the default of kwargs.lit is True"),
        (
            {"name": NARROW, "vary": {"kwargs.name": {"distribution": "choice", "values": ["a", 2]}}},
            "world.vary.kwargs.name.values: 2 is a number, and the default of kwargs.name is 'hall'; choose",
        ),
        (
            {"name": TOY, "vary": {"width": {"distribution": "choice", "values": [1, "a"]}}},
            "world.vary.width.values: 'a' is a text, and the default of width is the number 2.0; choose among numbers",
        ),
        (
            {"name": POLE, "vary": {"_max_episode_steps": UNIFORM}},
            "there is no _max_episode_steps; the length of episodes is varied as kwargs.max_episode_steps",
        ),
        (
            {"name": POLE, "vary": {"spec.max_episode_steps": UNIFORM}},
            "spec.max_episode_steps only describes the environment, and setting it changes nothing; vary an argument "
            "of the constructor, as kwargs.max_episode_steps",
        ),
        (
            {"name": POLE, "vary": {"_has_reset": {"distribution": "choice", "values": [True]}}},
            "world.vary._has_reset: there is no _has_reset",
        ),
        (
            {"name": TOY, "kwargs": {"table": [{"a": {1: 2.0}}]}},
            'world.kwargs.table.0.a: key 1 must be a text; write "1" in quotes, or give a list',
        ),
        (
            {"name": TOY, "wrappers": [{"name": DOUBLING, "kwargs": {"start": {2.5: 1}}}]},
            "world.wrappers.0.kwargs.start: key 2.5 must be a text",
        ),
        ({"name": TOY, "kwargs": {1: 2.0}}, "world.kwargs: key 1 must be a text"),
        ({"name": TOY, "wrappers": [{"name": "A", "kwargs": {1: 2}}]}, "world.wrappers.0.kwargs: key 1 must be a text"),
        (
            {"name": TOY, "vary": {"kwargs.name": {"distribution": "choice", "values": [{"a": {1: 2}}]}}},
            "world.vary.kwargs.name.values.0.a: key 1 must be a text",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_by_field(world, text):
    assert text in refused(**world)


def test_a_full_name_that_is_none_is_not_found():
    with pytest.raises(WorldNotFound, match="its settings are not JSON"):
        find_world(POLE + "{kwargs")
    with pytest.raises(WorldNotFound, match="its settings do not fit"):
        find_world(POLE + '{"arguments":{}}')
    with pytest.raises(SettingRefused, match=r"world\.kwargs\.g: unknown"):
        find_world(POLE + '{"kwargs":{"g":1}}')


def test_worlds_of_other_settings_are_other_worlds():
    assert room(kwargs={"width": 3.0}) != room(kwargs={"width": 4.0})
    assert room(vary={"width": UNIFORM}) == room(vary={"width": UNIFORM})
    assert dataclasses.is_dataclass(room())


def test_a_life_that_is_lived_again_says_what_it_was_born_with():
    setup = setup_of(name=TOY, vary={"width": UNIFORM, "name": {"distribution": "choice", "values": ["hall"]}})
    key = LifeKey(0, SELECTION, 0, 3)
    drawn = setup.conditions.world.drawn(key)
    relived = SimpleNamespace(setup=setup, key=key)
    assert _drawn_at_birth(relived) == f"name hall, width {drawn['width']:.6g}"
    assert _drawn_at_birth(SimpleNamespace(setup=setup_of(name="cart-pole"), key=key)) == ""
