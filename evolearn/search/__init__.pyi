from .blockwise import BlockwiseSearch as BlockwiseSearch
from .clone import Clone as Clone
from .descent import Births as Births
from .drawn_blocks import (
    BlockLives as BlockLives,
    BlockSums as BlockSums,
    live_in_blocks as live_in_blocks,
    sum_in_blocks as sum_in_blocks,
)
from .draws import Draw as Draw, Noise as Noise, Weights as Weights, draw_genomes as draw_genomes
from .finite import LeftFinite as LeftFinite, require_finite as require_finite
from .lessons import LessonLives as LessonLives, Lessons as Lessons, lessons_of as lessons_of
from .maml import MAML as MAML
from .meta_gradients import MetaLives as MetaLives, differentiate as differentiate
from .options import (
    ALGORITHMS as ALGORITHMS,
    ORACLE as ORACLE,
    CloneOptions as CloneOptions,
    MAMLOptions as MAMLOptions,
    Options as Options,
    ReptileOptions as ReptileOptions,
    TeacherPart as TeacherPart,
    check_search as check_search,
    evaluations_per_generation as evaluations_per_generation,
    is_whole as is_whole,
    lives_per_generation as lives_per_generation,
    planned_evaluations as planned_evaluations,
    planned_outer_steps as planned_outer_steps,
    restart_window as restart_window,
)
from .population import PopulationSearch as PopulationSearch
from .reptile import Reptile as Reptile
from .restarts import (
    Restarting as Restarting,
    Stretch as Stretch,
    restarted_population as restarted_population,
    stagnates as stagnates,
)
from .rivals import Rivals as Rivals
from .saved import restore as restore
from .search import Fitness as Fitness, Search as Search
