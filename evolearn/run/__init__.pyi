from .arms import ARMS as ARMS, ArmPart as ArmPart, unsettable as unsettable
from .births import seen_births as seen_births, unseen_births as unseen_births
from .choosing import leader_keys as leader_keys, restart_keys as restart_keys
from .closing import Result as Result
from .descent import DESCENT as DESCENT, DRIVE as DRIVE, read_descent as read_descent
from .directory import (
    Checkpoint as Checkpoint,
    RunDirectory as RunDirectory,
    create_run as create_run,
    open_run as open_run,
)
from .dna import (
    ALTERED as ALTERED,
    DNA as DNA,
    DNAError as DNAError,
    altered_dna as altered_dna,
    ancestor_file as ancestor_file,
    ancestors as ancestors,
    dna_of as dna_of,
    dna_so_far as dna_so_far,
    load_dna as load_dna,
    run_directory_of as run_directory_of,
    setup_of as setup_of,
    signals_of as signals_of,
    why_not_over as why_not_over,
    write_dna as write_dna,
)
from .estimate import Estimate as Estimate, closing_steps as closing_steps, steps_per_second as steps_per_second
from .evolution import SearchDiverged as SearchDiverged, evolve as evolve, new_search as new_search
from .faulty_life import keeping_faulty_life as keeping_faulty_life
from .natural import Values as Values, natural_values as natural_values
from .prefixes import at_budgets as at_budgets, prefixes_of as prefixes_of
from .record import Generation as Generation
from .relive import (
    Relived as Relived,
    ReliveDisplay as ReliveDisplay,
    Wanted as Wanted,
    relive_fault as relive_fault,
    relive_selection as relive_selection,
    wanted_life as wanted_life,
)
from .run import (
    Interrupted as Interrupted,
    ProgramEnded as ProgramEnded,
    evolve_run as evolve_run,
    generations_of_run as generations_of_run,
    resumable as resumable,
    resume_run as resume_run,
    start_run as start_run,
)
from .scores import ever_scored as ever_scored, running_score as running_score, window_score as window_score
from .setup import (
    Setup as Setup,
    assemble as assemble,
    make_ready as make_ready,
    names_parts as names_parts,
    parts_of as parts_of,
    remarks_on as remarks_on,
    settled as settled,
    settled_keys as settled_keys,
    to_genomes as to_genomes,
)
from .sources import (
    admit_sources as admit_sources,
    source_changes as source_changes,
    source_hashes as source_hashes,
)
from .teacher import settled_teacher as settled_teacher
from .traces import check_trace_file as check_trace_file, columns_of as columns_of, write_trace as write_trace
from .transplant import (
    Arm as Arm,
    arm_config as arm_config,
    has_oracle as has_oracle,
    lent_values as lent_values,
    live_arm as live_arm,
    live_births as live_births,
    ready_arm as ready_arm,
)
from .zoo import ZOO as ZOO, Resident as Resident, resident_file as resident_file, residents as residents
