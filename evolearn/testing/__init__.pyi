from .calibration import (
    Calibration as Calibration,
    calibrate as calibrate,
    calibration_config as calibration_config,
    calibration_file as calibration_file,
    cut_short as cut_short,
    shares_of_oracle as shares_of_oracle,
    suited_settings as suited_settings,
)
from .check import check_world as check_world, inspect_world as inspect_world, life_scores as life_scores
from .findings import CHECKS as CHECKS, Report as Report
from .parts import check_drive as check_drive, check_learner as check_learner, check_trunk as check_trunk
