from .brain import TRUNKS as TRUNKS, BrainSpec as BrainSpec
from .drives.table import DRIVES as DRIVES, FEEL_TYPE as FEEL_TYPE, compose as compose
from .learners.actor_critic import (
    DISCOUNT as DISCOUNT,
    ENTROPY_BONUS as ENTROPY_BONUS,
    GAE_LAMBDA as GAE_LAMBDA,
    VALUE_WEIGHT as VALUE_WEIGHT,
)
from .learners.learner import (
    INITIAL_SCALE as INITIAL_SCALE,
    LEARN_TYPE as LEARN_TYPE,
    SETTINGS_TYPE as SETTINGS_TYPE,
    Learner as Learner,
    LearnerSettings as LearnerSettings,
)
from .learners.optimisers import OPTIMISERS as OPTIMISERS
from .learners.table import LEARNERS as LEARNERS
from .policies.policy import (
    CHOOSE_TYPE as CHOOSE_TYPE,
    DELTAS_TYPE as DELTAS_TYPE,
    MAX_LOG_STDEV as MAX_LOG_STDEV,
    MIN_LOG_STDEV as MIN_LOG_STDEV,
    POLICIES as POLICIES,
)
from .torch_brain import ACTIVATIONS as ACTIVATIONS, TorchBrain as TorchBrain, brain_of as brain_of
from .torch_threads import one_thread as one_thread
from .trunks.trunk import (
    BACKWARD_TYPE as BACKWARD_TYPE,
    GOES_ON as GOES_ON,
    TERMINATED as TERMINATED,
    THINK_TYPE as THINK_TYPE,
    TRUNCATED as TRUNCATED,
    Tensor as Tensor,
    Window as Window,
)
