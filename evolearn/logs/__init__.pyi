from .displays import logged_run as logged_run, logged_study as logged_study
from .status import status_of as status_of
from .writers import KINDS as KINDS, check_kinds as check_kinds
