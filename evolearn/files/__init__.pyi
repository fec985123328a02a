from .directories import (
    make_directory as make_directory,
    make_next as make_next,
)
from .private import (
    danger_in as danger_in,
    make_private as make_private,
)
from .reading import (
    FileDamaged as FileDamaged,
    FileMissing as FileMissing,
    FileUnfit as FileUnfit,
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
from .writing import (
    explained as explained,
    write_whole as write_whole,
)
