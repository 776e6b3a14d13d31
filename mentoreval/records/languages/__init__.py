"""Words of the page of problems, by language. English sentences on single problems come with the problems."""
