from .inspect import Wishes as Wishes, compare_dna as compare_dna, inspect_dna as inspect_dna
from .record import Answer as Answer
from .replay import Scene as Scene, replay_dna as replay_dna
