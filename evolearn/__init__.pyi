from .api import evolve as evolve, live as live, load as load

__version__: str
