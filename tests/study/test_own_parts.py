"""Studies whose arms or conditions have parts of users: found in any folder, and known before a cluster is opened."""

from pathlib import Path

from evolearn.run import parts_of
from evolearn.study import run_configs
from evolearn.study.config import check_study
from evolearn.study.study import _settled
from tests.helpers.own_parts import PARTS_FILE, own_config

STUDY = {
    "run": {key: value for key, value in own_config().items() if key not in ("seed", "brain", "learner", "drives")},
    "conditions": [{"name": "plain"}, {"name": "curious", "set": {"drives.generic": ["mine.py:boredom", "effort"]}}],
    "arms": ["random", "blank", "evolved", "bent"],
    "define": {"bent": {"like": "evolved", "settings": {"brain.trunk": "mine.py:BENT"}}},
    "primary": {"arm": "evolved", "against": "blank", "metric": "birth"},
    "margins": {"birth": 1.0},
    "threshold": {"of": "best"},
}


def test_names_hold_in_any_folder_and_every_arms_parts_are_known(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "mine.py").write_text(PARTS_FILE)
    monkeypatch.chdir(tmp_path)
    study = _settled(check_study(STUDY, "own"))
    monkeypatch.chdir("/")
    here = f"{tmp_path}/mine.py"
    assert study.conditions[1].set == {"drives.generic": [f"{here}:boredom", "effort"]}
    assert study.arm("bent").settings == {"brain.trunk": f"{here}:BENT"}
    assert study.arm("evolved").settings == {}
    named = {part.name for config in run_configs(study) for part in parts_of(config)}
    assert named == {f"{here}:BENT", f"{here}:boredom"}
    assert check_study(study.model_dump(mode="json"), "again") == study
