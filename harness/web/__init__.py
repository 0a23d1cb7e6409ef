"""The labelling page: a local server over a dataset folder, and the page that it serves."""
