"""Evolutionary meta-learning sandbox: what should an agent be born with, and what should it learn?"""
