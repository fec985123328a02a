from . import bands as bands
from .checks import Rates as Rates, measure_rates as measure_rates
from .config import (
    StudyConfig as StudyConfig,
    check_study as check_study,
    read_study as read_study,
    study_layers as study_layers,
)
from .directory import StudyDirectory as StudyDirectory, open_study as open_study
from .plan import (
    StudyJob as StudyJob,
    StudyPlan as StudyPlan,
    arm_part as arm_part,
    plan_study as plan_study,
    planned_config as planned_config,
    run_configs as run_configs,
)
from .progress import Progress as Progress
from .replay import ReplayArm as ReplayArm, record_replay as record_replay
from .study import (
    extend_study as extend_study,
    jobs_of_study as jobs_of_study,
    resume_study as resume_study,
    start_study as start_study,
)
from .tuned import TunedScores as TunedScores, TunedSettings as TunedSettings, write_tuned as write_tuned
