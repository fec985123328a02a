from .compiled import (
    BEGIN_TYPE as BEGIN_TYPE,
    BORN_TYPE as BORN_TYPE,
    OBSERVE_TYPE as OBSERVE_TYPE,
    ORACLE_TYPE as ORACLE_TYPE,
    STEP_ALL_TYPE as STEP_ALL_TYPE,
    STEP_PAIRS_TYPE as STEP_PAIRS_TYPE,
    CompiledWorld as CompiledWorld,
    compile_pairs as compile_pairs,
    compile_world as compile_world,
    parameter_dtype as parameter_dtype,
    world_code as world_code,
)
from .contract import (
    MEAN_PER_STEP as MEAN_PER_STEP,
    MEAN_RETURN_PER_EPISODE as MEAN_RETURN_PER_EPISODE,
    Box as Box,
    Declaration as Declaration,
    Discrete as Discrete,
    Opponent as Opponent,
    Parameter as Parameter,
    Signal as Signal,
    World as World,
    WorldError as WorldError,
)
from .drawing import Circle as Circle, Line as Line, Polygon as Polygon, Shape as Shape
from .find import find_world as find_world, registered_worlds as registered_worlds
from .floor_plan import MOVES as MOVES, FloorPlan as FloorPlan
from .gymnasium.apart import (
    begin_child as begin_child,
    check_environment as check_environment,
    end_group as end_group,
    how_it_ended as how_it_ended,
    silence_copies as silence_copies,
    standing_lines as standing_lines,
    where_it_stands as where_it_stands,
)
from .gymnasium.environments import (
    EnvironmentFault as EnvironmentFault,
    Environments as Environments,
    GymnasiumEnvironments as GymnasiumEnvironments,
)
from .gymnasium.rendering import (
    NotRendered as NotRendered,
    packed_picture as packed_picture,
    rendered as rendered,
    unpacked_picture as unpacked_picture,
)
from .gymnasium.world import (
    GymnasiumWorld as GymnasiumWorld,
    gymnasium_world as gymnasium_world,
)
from .names import (
    GYMNASIUM as GYMNASIUM,
    are_apart as are_apart,
    environments_apart as environments_apart,
    from_anywhere as from_anywhere,
    settled as settled,
)
from .picture import (
    Bounds as Bounds,
    bounds_of as bounds_of,
    paint as paint,
    shapes_of as shapes_of,
    with_margin as with_margin,
)
from .template import new_world as new_world
