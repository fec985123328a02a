from .birth import Births as Births, birth_plan as birth_plan, births_in as births_in
from .capacity import available_memory as available_memory, most_workers as most_workers
from .drivers import (
    ClusterStatus as ClusterStatus,
    ClusterWatch as ClusterWatch,
    Drivers as Drivers,
    Effort as Effort,
    OwnDrivers as OwnDrivers,
    new_driver as new_driver,
)
from .evaluation import (
    Evaluation as Evaluation,
    Opposition as Opposition,
    evaluate as evaluate,
    life_fitness as life_fitness,
    score as score,
    steps_of as steps_of,
)
from .faults import (
    LifeFault as LifeFault,
    LifeLost as LifeLost,
    fault_in as fault_in,
    own_code as own_code,
    own_parts as own_parts,
)
from .lineage import broken_lives as broken_lives, successions as successions
from .live import (
    Conditions as Conditions,
    Driver as Driver,
    Job as Job,
    Lineage as Lineage,
    Plan as Plan,
    empty_outcome as empty_outcome,
    empty_trace as empty_trace,
    lives as lives,
    states_of as states_of,
    traced_lives as traced_lives,
)
from .processes import WorkerDied as WorkerDied
from .records import (
    DIVERGED as DIVERGED,
    FROM_BRAIN as FROM_BRAIN,
    FROM_ORACLE as FROM_ORACLE,
    FROM_UNIFORM as FROM_UNIFORM,
    Outcome as Outcome,
    Trace as Trace,
)
from .rehearsal import KeepsState as KeepsState, rehearse as rehearse
from .surgery import NO_SURGERIES as NO_SURGERIES, NOWHERE as NOWHERE, Surgeries as Surgeries
from .teachers import NO_TEACHERS as NO_TEACHERS, Teachers as Teachers, TeacherSpec as TeacherSpec
from .walk import Walk as Walk
from .watch import OwnThread as OwnThread, Watch as Watch
