from .bands import (
    Measure as Measure,
    Measured as Measured,
    band_arguments as band_arguments,
    measure_over_runs as measure_over_runs,
    measure_share as measure_share,
)
from .parts import ExperimentConfig as ExperimentConfig
from .replication import (
    REPLICATION_FILE as REPLICATION_FILE,
    replication_record as replication_record,
    write_rounded as write_rounded,
)
