"""Words for writing a new study file, by language: the questions of the terminal, and the comments in the file."""
