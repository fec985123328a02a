"""A made-up study of a claim, with the config that is shipped, for tests of records and of the page of all claims."""

import json

from evolearn.config import dump_config
from evolearn.files import sealed, sha256_of
from tests.helpers.study_on_disk import write_study, write_verdict
from tests.helpers.synthetic_lives import full_verdict


def made_up_claim(claim, folder, runs=10, text=None, **study):
    """Write a finished study of a claim into `folder`, which is made.

    Args:
        claim: of the table.
        folder: to write into.
        runs: per arm.
        text: of its study.yaml; none: the shipped one's.
        study: what else the verdict says of the study.
    """
    verdict = full_verdict(
        runs=runs, lives=4, conditions={"alpha 0": 0.0}, primary="head_start", resamples=100, catch_up_share=0.95
    )
    verdict["study"] |= {"extended": [], **study}
    write_study(folder, verdict)
    (folder / "study.yaml").write_text(text or dump_config(claim.config()))
    digest = sha256_of(folder / "study.yaml")
    label = json.loads((folder / "study.json").read_text())
    label |= {"config_sha256": digest, "check_steps": 0, "extensions": []}
    (folder / "study.json").write_text(json.dumps(sealed(label)))
    verdict["study"]["first_config_sha256"] = digest
    write_verdict(folder, verdict)
    return folder
