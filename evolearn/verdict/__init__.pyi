from . import stats as stats
from .json_records import Json as Json, for_json as for_json
from .metrics import METRICS as METRICS, ArmLives as ArmLives
from .rules import DOUBLED as DOUBLED
from .sentences import CLAIM_RUNS as CLAIM_RUNS
from .stats import (
    ROUNDING as ROUNDING,
    FloatArray as FloatArray,
    holm as holm,
    interval as interval,
    iqm as iqm,
    partitions as partitions,
)
from .verdict import ConditionFacts as ConditionFacts, SearchFacts as SearchFacts, judge_condition as judge_condition
