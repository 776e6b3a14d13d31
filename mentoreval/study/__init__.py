"""Study: the plan in a study file, and the evaluation that carrying it out gives."""
