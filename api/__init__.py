"""Floor 3: asks. Pages, REST and the command line; knows HTTP and no rule."""
