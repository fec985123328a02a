"""The gene table: what is planted in DNA stands in it, by name, in its units, and against its start."""

import json
import math

import numpy as np
import pytest

from evolearn.agent import BrainSpec
from evolearn.inspection._genes import inspect_genes
from evolearn.inspection._names import numbered, output_labels, weight_names
from evolearn.report.inspection.genes import genes_section
from evolearn.run import assemble
from tests.helpers.inspected_dna import config, made_dna


def rows_of(found):
    names = found["genes"]
    return {
        row["name"]: row
        for row in (dict(zip(names, values, strict=True)) for values in zip(*names.values(), strict=True))
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("genes") / "dna.safetensors"
    planted = {
        ("weights", "policy.weight"): np.arange(8.0).reshape(2, 4),
        ("plasticity", "learning_rate"): [math.log(0.05)],
        ("drives", "uprightness"): [0.6],
    }
    dna = made_dna(path, config(drives={"evolved": ["fitness", "uprightness"]}), planted)
    return json.loads(json.dumps(inspect_genes(dna), allow_nan=False))


def test_a_planted_gene_has_its_row(found):
    row = rows_of(found)["learning_rate"]
    assert row["group"] == "plasticity"
    assert row["transform"] == "log"
    assert row["natural"] == pytest.approx(0.05, rel=1e-4)
    assert row["natural_start"] == pytest.approx(3e-4, rel=1e-4)
    assert row["value"] == pytest.approx(math.log(0.05), rel=1e-4)
    assert row["change"] == pytest.approx((math.log(0.05) - math.log(3e-4)) / row["spread"], rel=1e-4)
    assert row["left"] == pytest.approx(row["spread"] / 2)
    assert row["ratio"] == pytest.approx(0.5)


def test_weights_go_by_what_they_connect(found):
    rows = rows_of(found)
    assert rows["policy.weight[2 -> push right]"]["value"] == 6.0
    assert rows["hidden1.weight[angular velocity -> 3]"]["change"] == 0.0
    assert rows["policy.bias[push left]"]["block"] == "policy.bias"
    assert rows["value.weight[0 -> value]"]["group"] == "weights"


def test_every_block_and_group_is_summed_up(found):
    summaries = {(entry["group"], entry["block"]): entry for entry in found["summaries"]}
    spread = rows_of(found)["uprightness"]["spread"]
    drives = summaries["drives", ""]
    assert drives["numbers"] == 2
    assert drives["name"] == "uprightness"
    assert drives["change"] == pytest.approx(0.6 / spread / math.sqrt(2), rel=1e-4)
    assert summaries["weights", "hidden1.weight"]["change"] == 0.0
    assert summaries["weights", "policy.weight"]["name"] == "policy.weight[3 -> push right]"
    assert sum(entry["numbers"] for entry in found["summaries"] if entry["level"] == "group") == len(rows_of(found))


def test_genes_that_do_not_evolve_are_listed_with_how_they_come(found):
    assert found["not_evolved"] == [
        {"group": "drives", "block": "centredness", "numbers": 1, "mode": "fixed", "natural": 0.0}
    ]


def test_a_gene_that_no_life_reads_is_a_yardstick(found):
    assert [name for name, row in rows_of(found).items() if not row["read"]] == ["initial_scale"]
    assert found["unread"]["numbers"] == 1


@pytest.mark.parametrize(
    ("changes", "unread"),
    [
        ({"learner": {"window": 8, "learn_until": 0}}, {"fitness", "discount", "value.bias[value]"}),
        ({"learner": {"name": "q_learning"}}, {"value.bias[value]"}),
        ({"genome": {"weights": {"mode": "fresh"}}}, set()),
    ],
)
def test_what_is_read_depends_on_who_learns(tmp_path, changes, unread):
    rows = rows_of(inspect_genes(made_dna(tmp_path / "dna", config(**changes))))
    found = {name for name, row in rows.items() if not row["read"]}
    assert unread <= found if unread else not found
    assert not found & {"hidden1.bias[0]", "policy.bias[push left]", "epsilon"}


@pytest.mark.parametrize(
    ("algorithm", "left", "spread"), [("pgpe", 0.4, "adapted"), ("genetic", 0.4, "population"), ("pgpe", 0.0, "none")]
)
def test_what_the_spread_means_is_said(tmp_path, algorithm, left, spread):
    content = config().search.model_dump() | {"algorithm": algorithm, "options": {}}
    found = inspect_genes(made_dna(tmp_path / "dna", config(search=content), left=left))
    assert found["spread"] == spread
    assert (found["genes"]["ratio"][0] is None) == (spread == "none")
    words = " ".join(genes_section(found, {}).sentences)
    said = {"adapted": "spread singles out no gene", "population": "share their ancestors", "none": "no spread"}
    assert said[spread] in words


def searched(tmp_path, algorithm, left):
    """What is found, and said, of DNA of this algorithm whose genes kept so much spread: (group, gene) -> share."""
    made = config(search=config().search.model_dump() | {"algorithm": algorithm, "options": {}, "population": 8})
    pool = assemble(made).pool
    shares = np.full(pool.size, left.get("", 0.4), np.float32)
    for name, place in pool.slices().items():
        shares[place] = left.get(name[1], shares[place][0])
    found = json.loads(json.dumps(inspect_genes(made_dna(tmp_path / "dna", made, left=shares)), allow_nan=False))
    return found, " ".join(genes_section(found, {}).sentences)


@pytest.mark.parametrize(
    ("algorithm", "common"),
    [("cmaes", "the step size of CMA-ES, one for all genes"), ("cem", "the shrinking of CEM"), ("snes", "how fast")],
)
def test_what_all_genes_lose_singles_out_none(tmp_path, algorithm, common):
    found, words = searched(tmp_path, algorithm, {"": 0.1})
    assert found["settled"]["median"] == pytest.approx(0.1)
    assert {entry["narrowed"] for entry in found["summaries"]} == {0.0}
    assert "spread singles out no gene" in words
    assert common in words
    assert "surer" not in words


def test_a_gene_narrowed_beyond_the_others_is_named_and_one_that_nothing_reads_is_not(tmp_path):
    found, words = searched(tmp_path, "cmaes", {"learning_rate": 0.15, "initial_scale": 0.01, "discount": 0.25})
    assert found["settled"]["names"] == ["learning_rate"]
    assert (found["settled"]["narrowed"], found["settled"]["unread_narrowed"]) == (1, 1)
    assert "learning_rate kept less than half of what that gene kept: of it the search became surer" in words


def test_many_genes_that_nothing_reads_say_what_chance_narrows(tmp_path):
    made = config(learner={"window": 8, "learn_until": 0})
    pool = assemble(made).pool
    shares = np.full(pool.size, 0.8, np.float32)
    shares[: pool.size // 2] = 0.1
    found = json.loads(json.dumps(inspect_genes(made_dna(tmp_path / "dna", made, left=shares))))
    found["settled"] |= {"narrowed": 5, "names": ["a", "b", "c"]}
    words = " ".join(genes_section(found, {}).sentences)
    assert "5 genes kept less than half of what that gene kept, the narrowest a, b and c: of these" in words
    assert f"Of {found['settled']['unread']} genes that nothing reads" in words
    assert "which is what drifting alone does" in words


def test_one_gene_that_nothing_reads_is_no_law(found):
    words = " ".join(genes_section(found, {}).sentences)
    assert (
        "One gene, initial_scale, is read by nothing in a life of this kind: it moved by 0.000 and kept 0.50" in words
    )
    assert "too little of it" in words
    assert "drifting alone" not in words


def test_of_very_many_genes_those_that_moved_most_have_rows_and_all_are_counted(tmp_path):
    made = config(brain={"hidden": [80, 60]})
    pool = assemble(made).pool
    planted = {("weights", "hidden2.weight"): np.linspace(5.0, 6.0, 4800)}
    found = json.loads(json.dumps(inspect_genes(made_dna(tmp_path / "dna", made, planted)), allow_nan=False))
    assert found["numbers"] == pool.size > 5000
    rows = rows_of(found)
    assert len(rows) == 2000
    assert {"fitness", "learning_rate", "hidden2.weight[79 -> 59]"} <= set(rows)
    assert "hidden2.weight[0 -> 0]" not in rows
    changes = np.abs(inspect_changes(made_dna(tmp_path / "again", made, planted)))
    assert found["all"]["ranks"][0] == 1
    assert found["all"]["ranks"][-1] == pool.size
    np.testing.assert_allclose(
        found["all"]["sizes"], np.sort(changes)[::-1][np.array(found["all"]["ranks"]) - 1], rtol=1e-5
    )
    assert sum(found["all"]["ratios"]["counts"]) == pool.size
    assert sum(entry["numbers"] for entry in found["summaries"] if entry["level"] == "group") == pool.size
    section = genes_section(found, {})
    assert f"{pool.size:,} numbers evolved" in section.sentences[0]
    assert "2,000 of" in section.tables[1].note
    assert [view.name for view in section.charts[0].views] == ["the 2,000 in the table", "spread of all genes"]


def inspect_changes(dna):
    return (dna.genome.astype(np.float64) - dna.pool.centre) / dna.pool.spread


def test_the_section_says_what_moved_and_that_moving_proves_nothing(found):
    section = genes_section(found, {})
    assert "policy.weight[3 -> push right]" in section.sentences[0]
    assert any("initial_scale, is read by nothing" in sentence for sentence in section.sentences)
    table = next(table for table in section.tables if table.key == "genes_table")
    assert table.rows[0][0] == "uprightness"
    assert len(table.rows) == len(found["genes"]["name"])
    bars = section.charts[1].views[0].panels[0].series
    assert {len(series.x) for series in bars} == {20}  # bars of several series are stacked place by place


def test_nothing_evolved_is_said():
    empty = {name: [] for name in ("group", "block", "name", "change", "ratio", "read")}
    found = {"algorithm": "pgpe", "role": "centre", "spread": "none", "genes": empty, "summaries": [], "unread": None}
    section = genes_section(found | {"numbers": 0, "all": None, "settled": None, "not_evolved": []}, {})
    assert section.sentences == ("No gene evolved: there is nothing that evolution could have written.",)
    assert section.charts == ()


@pytest.mark.parametrize(("trunk", "hidden"), [("mlp", (3, 2)), ("relu", (2,)), ("linear", ())])
@pytest.mark.parametrize("policy", ["categorical", "gaussian"])
def test_every_weight_has_a_name_of_its_own(trunk, hidden, policy):
    brain = BrainSpec(trunk, 3, hidden, 2, policy)
    names = weight_names(brain, ("sun", "rain", "wind"), ("go", "stay"))
    assert {name: len(block) for name, block in names.items()} == {block.name: block.size for block in brain.tensors}
    every = [name for block in names.values() for name in block]
    assert len(set(every)) == brain.weights
    # Rows of a head are outputs, rows of a trunk's matrix inputs.
    if not hidden:
        assert names["policy.weight"][1] == "policy.weight[rain -> go]"
    else:
        assert names["hidden1.weight"][1] == "hidden1.weight[sun -> 1]"
        assert names["policy.weight"][1] == "policy.weight[1 -> go]"


def test_unknown_blocks_are_numbered_row_by_row():
    assert numbered("rule", (2, 2)) == ["rule[0, 0]", "rule[0, 1]", "rule[1, 0]", "rule[1, 1]"]
    assert numbered("rate", ()) == ["rate"]


def test_a_value_that_nobody_reads_is_no_output(tmp_path):
    assert output_labels(made_dna(tmp_path / "a", config())) == ("push left", "push right", "value")
    assert output_labels(made_dna(tmp_path / "q", config(learner={"name": "q_learning"})))[-1] == "push right"
