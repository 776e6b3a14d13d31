"""Numerics: arrays in, arrays out. Nothing here knows a school word."""
