from .plan import TuningPlan as TuningPlan
from .tune import tune_arm as tune_arm
