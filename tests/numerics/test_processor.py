"""What is asked of the processor that this runs on."""

import pytest

from evolearn.numerics import cache_sizes, processor


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """A folder as Linux has it, in which to say what caches there are."""
    monkeypatch.setattr(processor, "_CACHES", tmp_path)
    cache_sizes.cache_clear()
    yield tmp_path
    cache_sizes.cache_clear()


def say(folder, index, **facts):
    (folder / f"index{index}").mkdir()
    for name, value in facts.items():
        (folder / f"index{index}" / name).write_text(f"{value}\n")


def test_caches_are_as_large_as_the_system_says(caches):
    say(caches, 0, level=1, type="Data", size="48K")
    say(caches, 1, level=1, type="Instruction", size="64K")
    say(caches, 2, level=2, type="Unified", size="1024K")
    say(caches, 3, level=3, type="Unified", size="32768K")
    assert cache_sizes() == (48 * 1024, 1024 * 1024)


@pytest.mark.parametrize("facts", [{}, {"level": 1, "type": "Data"}, {"level": 1, "type": "Data", "size": "large"}])
def test_where_the_system_does_not_say_they_are_those_of_most_processors(caches, facts):
    say(caches, 0, **facts)
    assert cache_sizes() == (32 * 1024, 512 * 1024)
