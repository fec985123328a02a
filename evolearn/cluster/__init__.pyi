from .addresses import LOCAL as LOCAL
from .lives import Lives as Lives
from .opening import open_cluster as open_cluster, prepare as prepare
from .schedule import Piece as Piece, Schedule as Schedule
from .spreading import LARGEST_MESSAGE as LARGEST_MESSAGE, Work as Work
