"""A life to be watched: who is in it, and what cannot be shown."""

import dataclasses
import json

import numpy as np
import pytest

from evolearn.inspection import Scene, replay_dna
from evolearn.inspection.inspect import InspectionError
from evolearn.run import write_dna
from tests.helpers.command import evolearn
from tests.helpers.packed_replays import unpacked


@pytest.fixture
def beside(pole):
    """The same newborn with another policy, in a file beside it: it pushes left, always."""
    dna = pole.dna
    genome = dna.genome.copy()
    at = dna.pool.slices()[("weights", "policy.bias")]
    genome[at] = -genome[at]
    other = dataclasses.replace(dna, path=dna.path.with_name("other.safetensors"), genome=genome)
    write_dna(other)
    return other.path


def test_a_newborn_lives_beside_a_blank_slate(pole):
    replay = replay_dna(pole.dna.path, None, Scene(), 1)
    assert [(arm["arm"], arm["label"]) for arm in replay["arms"]] == [
        ("dna", "evolved weights, learning"),
        ("blank slate", "random weights, defaults, learning"),
    ]
    assert (replay["start"], replay["step_stride"], len(replay["arms"][0]["score"])) == (0, 1, 60)
    assert replay["life"] == "(seed 3, validation, generation 1000, life 0)"
    assert replay["arms"][0]["frames"] != replay["arms"][1]["frames"]


def test_a_newborn_lives_beside_another_in_the_same_life(pole, beside):
    replay = replay_dna(pole.dna.path, beside, Scene(steps=6, life=2), 1)
    assert [arm["arm"] for arm in replay["arms"]] == ["dna", "other"]
    right, left = (np.array(arm["frames"]) for arm in replay["arms"])
    assert np.array_equal(right[0], left[0]), "they are born into the same world"
    cart = [n for n in range(right.shape[1]) if right[3, n] > right[0, n] and left[3, n] < left[0, n]]
    assert cart, "one goes right and the other left"
    assert replay["life"].endswith("life 2)")
    swapped = replay_dna(beside, pole.dna.path, Scene(steps=6, life=2), 1)
    assert [arm["frames"] for arm in swapped["arms"]] == [arm["frames"] for arm in replay["arms"][::-1]]


def test_what_is_seen_later_is_the_same_life(pole):
    whole = replay_dna(pole.dna.path, None, Scene(steps=60, stride=2), 1)
    late = replay_dna(pole.dna.path, None, Scene(start=40, steps=20, stride=2), 1)
    for one, other in zip(late["arms"], whole["arms"], strict=True):
        assert one["frames"] == other["frames"][20:]


@pytest.mark.parametrize(
    ("scene", "text"),
    [
        (Scene(start=-1), r"^--from -1: must be 0 \.\. 1,000,000,000$"),
        (Scene(steps=0, stride=1), r"^--steps 0: must be 1 \.\. 1,000,000,000$"),
        (Scene(steps=10, stride=11), r"^--every 11: must be 1 \.\. 10$"),
        (Scene(life=-1), r"^--life -1: must be 0 \.\. 999,999$"),
        (Scene(start=10**8), r"^--from 100000000, --steps 60: would keep [\d.]+ GiB of a life; 2 GiB at most: look at"),
    ],
)
def test_a_scene_out_of_range_is_refused(pole, scene, text):
    with pytest.raises(InspectionError, match=text):
        replay_dna(pole.dna.path, None, scene, 1)


def test_the_command_writes_a_page_here_and_films_where_it_is_told(pole, tmp_path):
    done = evolearn("replay", pole.dna.path, "--steps", 12, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "blank slate (random weights, defaults, learning): return at the end" in done.stdout
    assert "The steps 0 to 12 of life (seed 3, validation, generation 1000, life 0): dna-replay.html" in done.stdout
    page = (tmp_path / "dna-replay.html").read_text()
    packed = page.partition('id="replays">')[2].partition("</script>")[0]
    assert len(unpacked(json.loads(packed)[0])[0]["arms"]) == 2
    again = evolearn("replay", pole.dna.path, "--from", 3, "--steps", 12, folder=tmp_path)
    assert again.returncode == 0, "its own page is made again"
    assert (tmp_path / "dna-replay.html").read_text() != page
    for others, named in (("what I wrote", ()), (page, ("--to", "dna-replay.html"))):
        (tmp_path / "dna-replay.html").write_text(others)
        refused = evolearn("replay", pole.dna.path, *named, folder=tmp_path)
        assert refused.returncode == 2
        assert "--to dna-replay.html: is there already; --force replaces it" in refused.stderr
    done = evolearn("replay", pole.dna.path, "--to", "pole.gif", "--steps", 12, "--from", 30, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pole.gif").read_bytes().startswith(b"GIF89a")


def test_a_newborn_of_the_zoo_that_others_render_is_filmed(tmp_path):
    pytest.importorskip("pygame")
    done = evolearn("replay", "zoo/balancer", "--to", "it.gif", "--steps", 9, "--every", 3, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "balancer (evolved weights, learning): return at the end 9" in done.stdout
    assert (tmp_path / "it.gif").is_file()
