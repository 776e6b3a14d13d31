"""Report: what people hold in their hands."""
