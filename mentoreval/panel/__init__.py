"""Panel: one row per unit and period, measures, and who took part since when."""
