from .brain import (
    FOR_AN_EPISODE as FOR_AN_EPISODE,
    FOR_LIFE as FOR_LIFE,
    LAST_ACTION as LAST_ACTION,
    LAST_OBSERVATION as LAST_OBSERVATION,
    LAST_REWARD as LAST_REWARD,
    MOST_WEIGHTS as MOST_WEIGHTS,
    NEW_EPISODE as NEW_EPISODE,
    OBSERVATION as OBSERVATION,
    PLAIN as PLAIN,
    PRODUCT as PRODUCT,
    BrainSpec as BrainSpec,
    input_names as input_names,
    trunk_of as trunk_of,
)
from .drives.centring import LARGEST as LARGEST, MEAN as MEAN, NONE as NONE
from .drives.table import (
    DRIVE as DRIVE,
    DRIVES as DRIVES,
    FEEL_TYPE as FEEL_TYPE,
    Drive as Drive,
    compose as compose,
    find_drive as find_drive,
    ready_drive as ready_drive,
)
from .growth import (
    GROWN_RATE as GROWN_RATE,
    GROWN_WEIGHTS as GROWN_WEIGHTS,
    grow_weights as grow_weights,
    grown_rate as grown_rate,
    timetable_names as timetable_names,
    timetables as timetables,
)
from .learners.learner import (
    DISCOUNT as DISCOUNT,
    GROWN as GROWN,
    GROWN_ONSET as GROWN_ONSET,
    GROWN_WEIGHT as GROWN_WEIGHT,
    GROWN_WIDTH as GROWN_WIDTH,
    INITIAL_SCALE as INITIAL_SCALE,
    INITIAL_SCALE_GENE as INITIAL_SCALE_GENE,
    INITIAL_VALUE as INITIAL_VALUE,
    LATE_RATE as LATE_RATE,
    LEARN_TYPE as LEARN_TYPE,
    LEARNING_RATE as LEARNING_RATE,
    OF_FRESH_WEIGHTS as OF_FRESH_WEIGHTS,
    PREDICTION_RATE as PREDICTION_RATE,
    PREDICTION_WEIGHT as PREDICTION_WEIGHT,
    SETTINGS_TYPE as SETTINGS_TYPE,
    TAUGHT_FROM as TAUGHT_FROM,
    TAUGHT_SHARE as TAUGHT_SHARE,
    Learner as Learner,
    LearnerSettings as LearnerSettings,
    PlasticityGene as PlasticityGene,
)
from .learners.optimisers import (
    OPTIMISERS as OPTIMISERS,
    descend as descend,
    shorten as shorten,
    whole_lines as whole_lines,
)
from .learners.ready import ready_learner as ready_learner
from .learners.table import LEARNER as LEARNER, LEARNERS as LEARNERS, find_learner as find_learner
from .plugging import plain as plain, plugged as plugged
from .policies.gaussian import MAX_LOG_STDEV as MAX_LOG_STDEV, MIN_LOG_STDEV as MIN_LOG_STDEV
from .policies.policy import (
    CHOOSE_TYPE as CHOOSE_TYPE,
    DELTAS_TYPE as DELTAS_TYPE,
    Policy as Policy,
    no_deltas as no_deltas,
)
from .policies.table import POLICIES as POLICIES, POLICY as POLICY, find_policy as find_policy
from .policies.together import CHOOSE_ALL_TYPE as CHOOSE_ALL_TYPE, ready_choice as ready_choice
from .prediction import (
    NO_PREDICTION as NO_PREDICTION,
    OF_CHOICES as OF_CHOICES,
    OF_NUMBERS as OF_NUMBERS,
    correct as correct,
    errors_of as errors_of,
    foresee as foresee,
    foresee_choice as foresee_choice,
    foresee_control as foresee_control,
    slopes_below_prediction as slopes_below_prediction,
)
from .template import KINDS as KINDS, new_part as new_part
from .torch_brain import (
    TorchBrain as TorchBrain,
    activation_of as activation_of,
    brain_of as brain_of,
    torch_activation as torch_activation,
)
from .torch_imitation import (
    answers_of as answers_of,
    imitation_loss as imitation_loss,
    imitation_loss_along as imitation_loss_along,
)
from .torch_losses import Steps as Steps, meta_gradient as meta_gradient
from .torch_threads import one_thread as one_thread
from .trunks.mlp import (
    backward_dense as backward_dense,
    dense_scratch as dense_scratch,
    dense_tensors as dense_tensors,
    think_dense as think_dense,
)
from .trunks.table import TRUNK as TRUNK, TRUNKS as TRUNKS, find_trunk as find_trunk
from .trunks.trunk import (
    ASKED as ASKED,
    BACKWARD_TYPE as BACKWARD_TYPE,
    GOES_ON as GOES_ON,
    NOT_TAUGHT as NOT_TAUGHT,
    TERMINATED as TERMINATED,
    THINK_ALL_TYPE as THINK_ALL_TYPE,
    THINK_TYPE as THINK_TYPE,
    TRUNCATED as TRUNCATED,
    WATCHED as WATCHED,
    Symmetry as Symmetry,
    Tensor as Tensor,
    Trunk as Trunk,
    Window as Window,
    think_again as think_again,
)
from .value import BETA as BETA, ValueSpec as ValueSpec, value_of as value_of
