from .layers import (
    COMMAND_LINE as COMMAND_LINE,
    Layer as Layer,
    explained_config as explained_config,
    layers_of as layers_of,
    merged as merged,
    read_layered as read_layered,
    schema_of as schema_of,
)
from .parts import (
    CodePart as CodePart,
    DrivesPart as DrivesPart,
    LearnerPart as LearnerPart,
    LineagePart as LineagePart,
    SearchPart as SearchPart,
    TeacherPart as TeacherPart,
)
from .plain_yaml import YamlError as YamlError, dump_yaml as dump_yaml, parse_yaml as parse_yaml
from .reading import (
    STUDIES as STUDIES,
    ConfigError as ConfigError,
    Part as Part,
    Positive as Positive,
    check_model as check_model,
    config_sha256 as config_sha256,
    dotted as dotted,
    dump_config as dump_config,
    explain_validation as explain_validation,
    find_config as find_config,
    override as override,
    read_yaml as read_yaml,
    set_dotted as set_dotted,
    shipped_configs as shipped_configs,
    shown as shown,
    yaml_fields as yaml_fields,
)
from .run import (
    HANG_SECONDS as HANG_SECONDS,
    RunConfig as RunConfig,
    as_kept as as_kept,
    check_config as check_config,
    check_kept_config as check_kept_config,
    read_config as read_config,
)
from .world import (
    CONSTRUCTOR as CONSTRUCTOR,
    OF_GYMNASIUM as OF_GYMNASIUM,
    VariationPart as VariationPart,
    WorldPart as WorldPart,
    WrapperPart as WrapperPart,
    world_part as world_part,
)
