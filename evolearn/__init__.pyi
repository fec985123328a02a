from .api import evolve as evolve, live as live, load as load
