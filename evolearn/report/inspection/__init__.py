"""The page of an inspection, a module for each section."""
