"""One life in a compiled world, moved on by hand, with every promise of the contract watched at every call.

Every function is called twice from the same bytes, each time with other rubbish in the arrays that it has to fill: what
is left as it was, and what depends on anything but its arguments, shows at once. Uncompiled, what a function may only
read cannot be written, so that the very line is known. What is wrong is complained of in the words of the contract.
"""

from __future__ import annotations

import math
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evolearn.genome import FloatArray
from evolearn.numerics import COMPILES, record
from evolearn.rng import BIRTH, WORLD, at_step, new_rng, open_birth, open_stream
from evolearn.testing.findings import Findings, place_in_traceback, place_of
from evolearn.world import CompiledWorld, Shape, Signal, World, parameter_dtype

# What each function may only read, in the words of the contract.
MAY_ONLY_READ = {
    "born": ("parameters",),
    "reborn": ("parameters",),
    "begin": ("parameters",),
    "observe": ("state", "parameters"),
    "step": ("parameters", "action"),
    "oracle": ("state", "parameters"),
    "draw": ("state", "parameters"),
}


class Progress:
    """What a life is doing at this moment, for those who watch whether it stands still."""

    def __init__(self) -> None:
        self.function = ""  # none: no world is at work
        self.life = 0
        self.t = 0
        self.calls = 0


class Complaints:
    """Writes down what is wrong in a life that is under way."""

    def __init__(self, world: World, findings: Findings, progress: Progress) -> None:
        """Complain of `world` to `findings`; `progress` says which life and step it is."""
        self.world = world
        self.findings = findings
        self.progress = progress
        fields: Any = world.state.fields or {}
        self._real_fields = [name for name, field in fields.items() if field[0].base.kind == "f"]

    def judge_filled(
        self, name: str, array: str, signals: tuple[Signal, ...], values: FloatArray, untouched: npt.NDArray[np.bool_]
    ) -> None:
        """Complain of entries of an array that a function left as they were, or filled with what is not finite."""
        for place in np.flatnonzero(untouched):
            self.fail(
                "written",
                f"{name} {place}",
                f"{name} leaves {array}[{place}] ({signals[place].name}) as it was",
                f"every entry of {array} is written in every call: 0 .. {len(signals) - 1}",
                f"entry {place} was not written ({self.when})",
                function=name,
            )
        for place in np.flatnonzero(~np.isfinite(values) & ~untouched):
            self.fail(
                "finite",
                f"{name} {place}",
                f"{array}[{place}] ({signals[place].name}) is {values[place]}",
                "a finite number",
                f"{values[place]} ({self.when})",
                function=name,
            )

    def judge_step(self, fitness: float, terminated: bool, truncated: bool) -> None:
        """Complain of fitness that is not finite, and of an episode that ends in two ways."""
        if not math.isfinite(fitness):
            what = f"step returns fitness {fitness}"
            self.fail("finite", "fitness", what, "a finite number", f"{fitness} ({self.when})", function="step")
        if terminated and truncated:
            self.fail(
                "ends",
                "both",
                "an episode is terminated and truncated in the same step",
                "terminated: the world ended it, nothing follows; truncated: only the clock did; never both",
                f"True, True ({self.when})",
                function="step",
            )

    def raised(self, name: str, error: Exception) -> None:
        """Complain of an exception."""
        beyond = " (arrays end before that index)" if isinstance(error, IndexError) else ""
        self.fail(
            "drawing" if name == "draw" else "runs",
            name,
            f"{name} raises {type(error).__name__}",
            "no exception, whatever the actions",
            f"{type(error).__name__}: {error}{beyond} ({self.when})",
            self.line(error, name),
            name,
        )

    def went_beyond(self, name: str, error: Exception) -> None:
        """Complain of arithmetic without a finite result, which compiled code does not notice."""
        self.fail(
            "finite",
            f"{name} arithmetic",
            f"{name} computes what has no finite result",
            "finite numbers at every step of a calculation: compiled code goes on with inf or nan where plain Python "
            "raises, also where a comparison or a clip hides that from what is observed",
            f"{type(error).__name__}: {error} ({self.when})",
            self.line(error, name),
            name,
        )

    def judge_state(self, state: bytes) -> None:
        """Complain of a state with a number that is none."""
        kept = np.frombuffer(state, self.world.state)[0]
        for name in self._real_fields:
            if np.isnan(kept[name]).any():
                what = f"step leaves state.{name} at nan"
                self.fail("finite", f"state {name}", what, "numbers", f"{kept[name]} ({self.when})", function="step")

    def line(self, error: Exception, name: str) -> str | None:
        """The line of the world's file where an error comes from; None where compiled code does not know it."""
        file = self._function(name).__code__.co_filename
        return place_in_traceback(traceback.extract_tb(error.__traceback__), file)

    def wrote(self, name: str, word: str, where: str | None = None) -> None:
        """Complain of a function that changed what it may only read."""
        allowed = {"step": "state and senses", "observe": "observation", "oracle": "action", "draw": "nothing"}
        self.fail(
            "read-only",
            name,
            f"{name} changes {word}",
            f"{name} writes {allowed.get(name, 'the state')} only",
            f"{word} changed ({self.when})",
            where,
            name,
        )

    def differs(self, name: str, one: str, other: str) -> None:
        """Complain of a function that gave one result, and another from the same bytes."""
        self.fail(
            "nothing hidden",
            name,
            f"{name} gives different results from the same arguments",
            "state, parameters, action and rng decide all: no generator, counter or array of the world's own",
            f"{one}, and called again {other} ({self.when})",
            function=name,
        )

    def fail(
        self,
        check: str,
        topic: str,
        what: str,
        expected: str,
        came: str,
        where: str | None = None,
        function: str | None = None,
    ) -> None:
        """Write down a failure; `function` (or else `topic`) is the function to look at, unless `where` is known."""
        place = where or place_of(self._function(function or topic))
        self.findings.fail(check, topic, what, expected, came, place)

    def _function(self, name: str) -> Any:
        function = getattr(self.world, name)
        return getattr(function, "py_func", function)

    @property
    def when(self) -> str:
        """Which life and step it is."""
        return f"life {self.progress.life}, " + (f"step {self.progress.t}" if self.progress.t else "at birth")


def shortened(value: Any) -> str:
    """What a value looks like, in a line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."


_FILLINGS = (
    -1.25e30,
    float("nan"),
)  # what arrays hold before a call: no world writes the first, and none may the second
_READ_ONLY = "read-only"  # in NumPy's text
# Compiled code divides by zero without a word; plain Python is made to raise. Not where numbers grow too large: whole
# ones wrap by design in a generator, and exp may do so in a sigmoid.
_ERRORS: Any = {"all": "ignore"} | ({} if COMPILES else {"divide": "raise", "invalid": "raise"})


def _has_no_finite_result(error: Exception) -> bool:
    """Whether plain Python raised for arithmetic that compiled code goes on from with inf or nan."""
    return isinstance(error, FloatingPointError | ZeroDivisionError) or str(error) in ("math domain error",)


class Broken(Exception):
    """A function raised; the life cannot go on."""


class StepTaken(NamedTuple):
    """A step, and all that it depended on: enough to take it again."""

    state: bytes  # before
    rng: bytes  # likewise
    action: FloatArray
    fitness: float
    terminated: bool
    truncated: bool
    senses: FloatArray
    state_after: bytes
    observation: FloatArray  # after


class Stage:
    """One life under way."""

    def __init__(
        self,
        world: World,
        compiled: CompiledWorld,
        key: npt.NDArray[np.int64],
        findings: Findings,
        progress: Progress,
    ) -> None:
        """Be born; `begin` and `observe` have been called, as in a life.

        Args:
            world: the declaration.
            compiled: from `compile_world`.
            key: int64 [4].
            findings: where what is wrong is written down.
            progress: kept up to date.
        Raises:
            Broken: a function raised.
        """
        self.world = world
        self.progress = progress
        self.complaints = Complaints(world, findings, progress)
        self._compiled = compiled
        self._parameters = compiled.parameters.copy()
        self._bytes = np.zeros(compiled.state_size, np.uint8)
        self._kinds: Any = None  # of the shapes in the first frame
        self.rng = new_rng()
        self._key = key
        self.t = 0
        progress.life, progress.t = int(key[3]), 0
        open_stream(self.rng, key, BIRTH)
        self._draw_twice("born")
        self.birth = self._bytes.tobytes()
        open_stream(self.rng, key, WORLD)
        self.begin()

    @property
    def state(self) -> bytes:
        """What the state holds."""
        return self._bytes.tobytes()

    def be_reborn(self) -> FloatArray:
        """Be born a second time, as where lives switch worlds, start an episode, and observe."""
        luck = self.rng.copy()
        open_birth(self.rng, self._key, 1)
        self._draw_twice("reborn")
        self.rng[:] = luck
        return self.begin()

    def begin(self) -> FloatArray:
        """Start an episode, and observe."""
        self._draw_twice("begin")
        return self.observe()

    def observe(self) -> FloatArray:
        """What the world shows now, float32 [O]."""
        signals = self.world.observations

        def call(observation: FloatArray) -> None:
            self._call("observe", self._compiled.observe, observation)

        return self._fill_twice("observe", call, signals, "observation")

    def ask_oracle(self) -> FloatArray:
        """The oracle's action, float32 [action size]."""
        world = self.world
        names = world.actions.names if not world.is_discrete else ("choice",)
        signals = tuple(Signal(names[i] if i < len(names) else f"action {i}", "1") for i in range(world.action_size))

        def call(action: FloatArray) -> None:
            self._call("oracle", self._compiled.oracle, action)

        action = self._fill_twice("oracle", call, signals, "action")
        if world.is_discrete and not 0 <= action[0] < world.action_outputs:
            self.complaints.fail(
                "written",
                "oracle",
                "oracle returns a choice that there is not",
                f"a whole number from 0 to {world.action_outputs - 1}",
                f"{action[0]:g}",
            )
        return action

    def step(self, action: FloatArray) -> StepTaken:
        """One step with `action`, float32 [action size]; the episode's end is the caller's to act on."""
        at_step(self.rng, self.t + 1)
        self.t += 1
        self.progress.t = self.t
        state, rng = self.state, self.rng.tobytes()
        answers: list[tuple[Any, ...]] = []

        def call(senses: FloatArray) -> None:
            self._restore(state, rng)
            answers.append(self._step_once(action, senses))

        senses = self._fill_twice("step", call, self.world.senses, "senses", lambda: (answers[-1], self.state))
        fitness, terminated, truncated = answers[-1]
        self.complaints.judge_step(fitness, terminated, truncated)
        self.complaints.judge_state(self.state)
        return StepTaken(state, rng, action.copy(), fitness, terminated, truncated, senses, self.state, self.observe())

    def retake(self, taken: StepTaken) -> StepTaken:
        """Take a step that was taken elsewhere, from the same state, with the same draws."""
        self._restore(taken.state, taken.rng)
        senses = np.zeros(len(self.world.senses), np.float32)
        answer = self._step_once(taken.action, senses)
        observation = np.zeros(len(self.world.observations), np.float32)
        after = self.state
        self._call("observe", self._compiled.observe, observation)
        return StepTaken(taken.state, taken.rng, taken.action, *answer, senses, after, observation)

    def draw(self) -> None:
        """Have the world draw itself, twice, and compare with the first frame."""
        function = self.world.draw
        assert function is not None
        pictures = []
        for _ in _FILLINGS:
            shapes = self._call("draw", lambda *handles: function(*self._records()))
            if not isinstance(shapes, (list, tuple)) or not all(isinstance(shape, Shape) for shape in shapes):
                expected = "a sequence of Circle, Line and Polygon"
                self.complaints.fail(
                    "drawing", "draw", "draw returns something else than shapes", expected, shortened(shapes)
                )
                return
            pictures.append(tuple(shapes))
        if pictures[0] != pictures[1]:
            self.complaints.differs("draw", "a picture", "another picture")
        kinds = [(shape.kind, shape.role, shape.label, len(shape.numbers)) for shape in pictures[0]]
        self._kinds = self._kinds or kinds
        if kinds != self._kinds:
            self.complaints.fail(
                "drawing",
                "draw",
                "draw returns other shapes than in the first frame",
                f"{len(self._kinds)} shapes of the same kind, role and label in every frame; opacity 0 hides one",
                _first_difference(self._kinds, kinds),
            )

    def _records(self) -> tuple[Any, Any]:
        parameters = record(self._parameters, parameter_dtype(self.world))
        return record(self._bytes, self.world.state), parameters

    def _restore(self, state: bytes, rng: bytes) -> None:
        self._bytes[:] = np.frombuffer(state, np.uint8)
        self.rng[:] = np.frombuffer(rng, np.int64)

    def _draw_twice(self, name: str) -> None:
        """Call `born`, `reborn` or `begin` twice from the same bytes."""
        state, rng = self.state, self.rng.tobytes()
        function = getattr(self._compiled, name)
        results = []
        for _ in _FILLINGS:
            self._restore(state, rng)
            self._call(name, function, self.rng)
            results.append(self.state)
        if results[0] != results[1]:
            self.complaints.differs(name, *_state_difference(self.world.state, *results))

    def _step_once(self, action: FloatArray, senses: FloatArray) -> tuple[float, bool, bool]:
        given = action.copy()
        if not COMPILES:
            given.flags.writeable = False
        fitness, terminated, truncated = self._call("step", self._compiled.step, given, senses, self.rng)
        if given.tobytes() != action.tobytes():
            self.complaints.wrote("step", "action")
        return float(fitness), bool(terminated), bool(truncated)

    def _fill_twice(
        self,
        name: str,
        call: Callable[[FloatArray], None],
        signals: tuple[Signal, ...],
        array: str,
        beside: Callable[[], Any] = lambda: None,
    ) -> FloatArray:
        """Call a function that fills an array twice, over other rubbish, and judge what it wrote."""
        filled, others = [], []
        for filling in _FILLINGS:
            values = np.full(len(signals), filling, np.float32)
            call(values)
            filled.append(values)
            others.append(beside())
        first, second = filled
        untouched = (first == np.float32(_FILLINGS[0])) & np.isnan(second)
        self.complaints.judge_filled(name, array, signals, first, untouched)
        rest = ~untouched
        if first[rest].tobytes() != second[rest].tobytes() or repr(others[0]) != repr(others[1]):
            one, other = (first[rest], second[rest]) if others[0] is None else (others[0][0], others[1][0])
            if others[0] is not None and repr(one) == repr(other):
                one, other = _state_difference(self.world.state, others[0][1], others[1][1])
            self.complaints.differs(name, str(one), str(other))
        second[untouched] = 0.0  # what comes of rubbish is no news
        return second

    def _call(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of the world on the state and the parameters, and see what it does to them."""
        self.progress.function = name
        self.progress.calls += 1
        guarded = [buffer for word, buffer in self._guarded(name)]
        before = [buffer.tobytes() for buffer in guarded]
        try:
            return self._try(name, function, *arguments)
        finally:
            self.progress.function = ""
            for (word, buffer), content in zip(self._guarded(name), before, strict=True):
                if buffer.tobytes() != content:
                    self.complaints.wrote(name, word)
                    buffer[:] = np.frombuffer(content, np.uint8)

    def _try(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        handles: Any = (self._bytes, self._parameters)
        if COMPILES:
            handles = tuple(buffer.ctypes.data for buffer in handles)
        protected = [] if COMPILES and name != "draw" else [buffer for _, buffer in self._guarded(name)]
        try:
            for buffer in protected:
                buffer.flags.writeable = False
            with np.errstate(**_ERRORS), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return function(*handles, *arguments)
        except Exception as error:
            for buffer in protected:
                buffer.flags.writeable = True
            if not COMPILES and _has_no_finite_result(error):
                self.complaints.went_beyond(name, error)
            elif _READ_ONLY in str(error):
                self.complaints.wrote(name, " or ".join(MAY_ONLY_READ[name]), self.complaints.line(error, name))
            else:
                self.complaints.raised(name, error)
            raise Broken from error
        finally:
            for buffer in protected:
                buffer.flags.writeable = True

    def _guarded(self, name: str) -> list[tuple[str, npt.NDArray[np.uint8]]]:
        buffers = {"state": self._bytes, "parameters": self._parameters}
        return [(word, buffers[word]) for word in MAY_ONLY_READ[name] if word in buffers]


def _state_difference(dtype: np.dtype[Any], one: bytes, other: bytes) -> tuple[str, str]:
    first, second = (np.frombuffer(content, dtype)[0] for content in (one, other))
    for name in dtype.names or ():
        if first[name].tobytes() != second[name].tobytes():
            return f"state.{name}={first[name]}", f"{second[name]}"
    return "a state", "another state"


def _first_difference(before: list[Any], now: list[Any]) -> str:
    if len(before) != len(now):
        return f"{len(now)} shapes"
    place = next(i for i, (one, other) in enumerate(zip(before, now, strict=True)) if one != other)
    return f"shape {place} is {now[place][:3]}, and was {before[place][:3]}"
