"""What a study tells its verdict of its arms."""

from evolearn.study._judge import arm_kinds
from tests.helpers.studies import toy_study

ALL = (
    "arms=[random, blank, tuned_learner, tuned_blank, instinct, evolved, evolved_frozen, evolved_drives, shuffled, "
    "long_blank, pretrained, oracle, my_blank, mine]"
)


def test_arms_are_what_they_are_made_of_whatever_they_are_called() -> None:
    own = "define={my_blank: {like: tuned_blank}, mine: {like: evolved, plasticity: published}}"
    study = toy_study(ALL, own)
    assert arm_kinds(study, study.conditions[0], study.arms) == {
        "evolutions": ["evolved", "mine"],
        "blank_slates": ["blank", "tuned_learner", "tuned_blank", "evolved_drives", "long_blank", "my_blank"],
        "one_life": ["long_blank"],
    }
