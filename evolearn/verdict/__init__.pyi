from . import stats as stats
from .diverged import counted_last as counted_last
from .facts import ConditionFacts as ConditionFacts, SearchFacts as SearchFacts
from .json_records import Json as Json, for_json as for_json
from .looks import Look as Look, LookByLook as LookByLook, spent_evenly as spent_evenly
from .metrics import METRICS as METRICS, OPTIONAL as OPTIONAL, SEEN as SEEN, ArmLives as ArmLives
from .rules import DOUBLED as DOUBLED
from .saturation import (
    FORMS as FORMS,
    LAST_ONE as LAST_ONE,
    Saturation as Saturation,
    extrapolation_error as extrapolation_error,
    fit_curve as fit_curve,
    late_rise as late_rise,
    saturation_of as saturation_of,
)
from .sentences import CLAIM_RUNS as CLAIM_RUNS, cluster_words as cluster_words, run_names as run_names
from .stats import (
    ROUNDING as ROUNDING,
    FloatArray as FloatArray,
    cannot_decide as cannot_decide,
    holm as holm,
    interval as interval,
    iqm as iqm,
    partitions as partitions,
)
from .verdict import judge_condition as judge_condition, judge_primary as judge_primary
