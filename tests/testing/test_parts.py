"""What the checks of users' parts find: each wrong part is refused for what is wrong with it."""

import dataclasses

import numpy as np
import pytest

from evolearn.agent import DRIVES, LEARNERS, TRUNKS, Drive, Learner, backward_dense, find_learner, new_part
from evolearn.agent.trunks.dense import tanh_backward
from evolearn.agent.trunks.gru import backward_gru, think_gru
from evolearn.errors import PartError
from evolearn.numerics import compiled, matrix, vector
from evolearn.testing import check_drive, check_learner, check_trunk


@pytest.mark.parametrize("name", list(DRIVES))
def test_drives_of_the_box_pass(name: str) -> None:
    check_drive(DRIVES[name])


@pytest.mark.parametrize("name", list(TRUNKS))
def test_trunks_of_the_box_pass(name: str) -> None:
    check_trunk(TRUNKS[name], (6, 4) if TRUNKS[name].has_hidden else ())


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("actor_critic", "discrete"),
        ("actor_critic", "box"),
        ("tabular_actor_critic", "discrete"),
        ("q_learning", "discrete"),
        ("imitation", "discrete"),
        ("rewarded_imitation", "box"),
    ],
)
def test_learners_of_the_box_pass(name: str, actions: str) -> None:
    assert np.abs(check_learner(LEARNERS[name], actions)).max() > 0.0


def feel_nothing_finite(memory, observation, action, observation_next):
    return np.nan


@compiled
def feel_beyond(memory, observation, action, observation_next):
    memory[memory.size] = 1.0
    return 0.0


def feel_otherwise(memory, observation, action, observation_next):
    return 1.0 if observation.size << 62 > 0 else 0.0  # 4 becomes 0 in 64 bits


def feel_untyped(memory, observation, action, observation_next):
    return observation.nothing


@pytest.mark.parametrize(
    ("feel", "text"),
    [
        (feel_nothing_finite, "drive: nan at step 0 of random observations: must be finite"),
        (feel_otherwise, "drive: compiled 0, in plain Python 1 at step 0 of random observations: the two must agree"),
        (feel_untyped, "drive: 'wrong': feel_untyped does not compile: "),
    ],
)
def test_a_wrong_drive_is_refused(feel, text: str) -> None:
    with pytest.raises((PartError, AttributeError)) as caught:
        check_drive(Drive("wrong", feel))
    assert text in str(caught.value)


def without_decorator(x):
    return 2.0 * x


def feel_through_a_helper(memory, observation, action, observation_next):
    return without_decorator(observation[0])


@compiled
def of_no_such_thing(x):
    return x.nothing


def feel_through_a_wrong_helper(memory, observation, action, observation_next):
    return of_no_such_thing(observation)


def feel_text(memory, observation, action, observation_next):
    total = observation[0]
    total += "usual"
    return total


def feel_and_say_nothing(memory, observation, action, observation_next):
    memory[0] = 1.0


def learn_and_say_nothing(think, backward, deltas, weights, layers, plasticity, settings, window, memory, update):
    weights[0] = 0.0


def line(function, below: int) -> str:
    """A line of this file, as an error names it."""
    return f"\n  {__file__}, line {function.__code__.co_firstlineno + below}: "


PARTS = "\nParts are Python that Numba understands."


@pytest.mark.parametrize(
    ("feel", "text"),
    [
        (
            feel_text,
            "No implementation of function iadd found for signature iadd(float32, Literal[str](usual))"
            f'{line(feel_text, 2)}total += "usual"{PARTS}',
        ),
        (
            feel_through_a_helper,
            "Untyped global name 'without_decorator': Cannot determine Numba type of <class 'function'>"
            f"{line(feel_through_a_helper, 1)}return without_decorator(observation[0])"
            f"{PARTS[:-1]}; helpers need the decorator evolearn.numerics.compiled.",
        ),
        (
            feel_through_a_wrong_helper,
            "Unknown attribute 'nothing' of type array(float32, 1d, C)"
            f"{line(of_no_such_thing.py_func, 2)}return x.nothing{PARTS}",
        ),
        (feel_and_say_nothing, f"it returns nothing; it must return a number{PARTS}"),
    ],
)
def test_a_drive_that_does_not_compile_is_told_why_and_where(feel, text: str) -> None:
    with pytest.raises(PartError) as caught:
        check_drive(Drive("wrong", feel))
    assert str(caught.value) == f"drive: 'wrong': {feel.__name__} does not compile: {text}"


def test_a_learner_that_says_nothing_is_told_what_to_return() -> None:
    with pytest.raises(PartError) as caught:
        check_learner(dataclasses.replace(LEARNERS["q_learning"], learn=learn_and_say_nothing))
    text = f"learn_and_say_nothing does not compile: it returns nothing; it must return True or False{PARTS}"
    assert str(caught.value) == f"learner.name: 'learn': {text}"


def test_what_writes_beyond_its_memory_is_refused() -> None:
    lenient = Drive("wrong", feel_beyond, lambda observations, actions: 3)
    greedy = dataclasses.replace(LEARNERS["q_learning"], memory=lambda spec, window: 8)
    with pytest.raises(PartError, match=r"drive: reads or writes beyond the 3 floats of memory that it asked for; ask"):
        check_drive(lenient)
    with pytest.raises(PartError, match=r"learner: writes beyond the 8 floats of memory that it asked for; ask for"):
        check_learner(greedy)


@pytest.fixture(scope="module")
def newly_made(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    """The learner that `evolearn new` writes, uncompiled."""
    folder = tmp_path_factory.mktemp("new")
    new_part("learner", "mine_again", folder)
    return find_learner(f"{folder}/mine_again.py:mine_again")


@pytest.mark.parametrize(
    ("forgotten", "text"),
    [
        (lambda spec, window: 1, "learner: writes beyond the "),
        (lambda spec, window: spec.scratch(window), "learner: writes beyond the "),
        (lambda spec, window: spec.scratch(window) + 1, "of memory that it asked for; ask for more. Or another array"),
        (
            lambda spec, window: spec.scratch(window) + 8,
            "in learn: slopes = matrix(memory, at + rows + 1, rows, width)",
        ),
    ],
    ids=["one-float", "its-scratch", "scratch-and-one-float", "scratch-and-more"],
)
def test_a_memory_that_is_too_short_is_found_before_it_ends_the_process(forgotten, text, newly_made: Learner) -> None:
    def memory(spec, window):
        return newly_made.memory(spec, window) - forgotten(spec, window)

    check_learner(newly_made)
    with pytest.raises(PartError) as caught:
        check_learner(dataclasses.replace(newly_made, memory=memory))
    assert "beyond the " in str(caught.value)
    assert text in str(caught.value)


def learn_from_beyond(think, backward, deltas, weights, layers, plasticity, settings, window, memory, update):
    weights[0] += beyond(memory)
    return True


@compiled
def beyond(memory):
    return memory[memory.size]


def test_what_reads_beyond_its_memory_is_refused() -> None:
    curious = dataclasses.replace(LEARNERS["q_learning"], learn=learn_from_beyond, memory=lambda spec, window: 8)
    with pytest.raises(PartError, match="learner: reads beyond the 8 floats of memory that it asked for; ask for more"):
        check_learner(curious)


@pytest.mark.parametrize("size", [-1, 3])
def test_a_trunk_that_asks_for_too_little_scratch_is_refused(size: int) -> None:
    trunk = TRUNKS["mlp"]
    short = dataclasses.replace(
        trunk, scratch=lambda layers, rows: size if size > 0 else trunk.scratch(layers, rows) - 1
    )
    with pytest.raises(PartError, match=r"trunk: scratch: .*writes beyond the \d+ floats of memory that it asked for"):
        check_trunk(short, (5, 5))


def test_a_view_in_plain_python_is_never_shorter_than_asked_for() -> None:
    floats = np.arange(6, dtype=np.float32)
    assert vector(floats, 6, 0).size == 0
    assert matrix(floats, 2, 2, 2).tolist() == [[2.0, 3.0], [4.0, 5.0]]
    for view in (lambda: vector(floats, 2, 5), lambda: vector(floats, 8, -2), lambda: matrix(floats, 1, 3, 2)):
        with pytest.raises(IndexError, match=r"a view of .* entries from place \d+ on is out of bounds for size 6"):
            view()


@compiled
def backward_half(weights, layers, window, deltas, gradient, scratch):
    backward_dense(weights, layers, window, deltas, gradient, scratch, tanh_backward)
    for i in range(gradient.size):
        gradient[i] *= np.float32(0.5)


def test_a_gradient_that_is_not_the_trunks_is_refused() -> None:
    with pytest.raises(PartError, match=r"trunk: backward gives .* for weight \d+, finite differences .*: the two"):
        check_trunk(dataclasses.replace(TRUNKS["mlp"], backward=backward_half))
    with pytest.raises(PartError, match=r"trunk: torch\.nn\.ReLU gives .*: the two must agree"):
        check_trunk(dataclasses.replace(TRUNKS["mlp"], torch_module="ReLU"))
    with pytest.raises(
        PartError, match=r"trunk: torch_module='Tahn': torch\.nn has no such class\. Did you mean Tanh\?"
    ):
        check_trunk(dataclasses.replace(TRUNKS["mlp"], torch_module="Tahn"))


@compiled
def backward_of_single_steps(weights, layers, window, deltas, gradient, scratch):
    for row in range(deltas.shape[0]):
        window.activations[row, window.carry.size - 1] = np.float32(0.0)
    backward_gru(weights, layers, window, deltas, gradient, scratch)


@compiled
def think_further(weights, layers, window, row):
    think_gru(weights, layers, window, row)
    window.carry[0] += np.float32(1.0)


@compiled
def think_unlinked(weights, layers, window, row):
    think_gru(weights, layers, window, row)
    window.carry[window.carry.size - 1] = np.float32(0.0)


@compiled
def think_elsewhere(weights, layers, window, row):
    think_gru(weights, layers, window, row)
    window.activations[row, 1] += np.float32(1.0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"backward": backward_of_single_steps}, r"trunk: backward gives .*, finite differences"),
        ({"think": think_further}, "trunk: thinking in row N changes carry; it must not"),
        ({"think": think_unlinked}, "trunk: the last number of carry must be 1 after a thought; set it"),
        ({"think": think_elsewhere}, "trunk: row 0 of the activations does not begin with the 6 numbers of carry"),
    ],
)
def test_a_trunk_that_does_not_carry_as_it_must_is_refused(wrong, said) -> None:
    with pytest.raises(PartError, match=said):
        check_trunk(dataclasses.replace(TRUNKS["gru"], **wrong), (5,))


def learn_to_infinity(think, backward, deltas, weights, layers, plasticity, settings, window, memory, update):
    weights[0] = np.inf
    return True


def test_a_wrong_learner_is_refused() -> None:
    with pytest.raises(PartError, match="learner: no finite update from a window of ordinary numbers"):
        check_learner(dataclasses.replace(LEARNERS["q_learning"], learn=learn_to_infinity))
    with pytest.raises(PartError, match="learner: policies has no 'box'; it teaches discrete"):
        check_learner(LEARNERS["q_learning"], "box")
