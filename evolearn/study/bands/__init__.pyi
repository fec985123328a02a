from .bands import (
    Json as Json,
    Measure as Measure,
    Measured as Measured,
    arguments as arguments,
    over_runs as over_runs,
    share as share,
)
from .config import ExperimentConfig as ExperimentConfig
from .judge import (
    REPLICATION_FILE as REPLICATION_FILE,
    config_sha256 as config_sha256,
    replication_record as replication_record,
    write_json as write_json,
)
