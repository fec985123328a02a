from .bands import (
    Measure as Measure,
    Measured as Measured,
    band_arguments as band_arguments,
    judge_band as judge_band,
    measure_over_runs as measure_over_runs,
    measure_share as measure_share,
)
from .measures import STUDY_MEASURES as STUDY_MEASURES, StudyTable as StudyTable
from .parts import CONTRAST as CONTRAST, BandPart as BandPart, ExperimentConfig as ExperimentConfig
from .replication import (
    REPLICATION_FILE as REPLICATION_FILE,
    evolution_cost as evolution_cost,
    replication_record as replication_record,
    write_rounded as write_rounded,
)
