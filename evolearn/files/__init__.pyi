from .directories import check_name as check_name, make_directory as make_directory, making as making
from .locks import LOCK as LOCK, REPORT_LOCK as REPORT_LOCK, holding as holding, is_held as is_held
from .private import (
    danger_in as danger_in,
    make_private as make_private,
)
from .reading import (
    FileDamaged as FileDamaged,
    FileMissing as FileMissing,
    FileUnfit as FileUnfit,
    Model as Model,
    Record as Record,
    check_record as check_record,
    parse_json as parse_json,
    read_bytes as read_bytes,
    read_json as read_json,
    read_record as read_record,
    read_tensor_labels as read_tensor_labels,
    read_tensors as read_tensors,
    read_text as read_text,
)
from .sealing import (
    SEAL as SEAL,
    check_sealed as check_sealed,
    read_sealed as read_sealed,
    sealed as sealed,
    sha256 as sha256,
    sha256_of as sha256_of,
)
from .writing import (
    explained as explained,
    json_text as json_text,
    whole_file as whole_file,
    write_whole as write_whole,
)
